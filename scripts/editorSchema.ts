/** A part of a JSON schema. */
export interface SchemaNode {
  [key: string]: unknown;
}

/** What only forbids, and neither completes nor explains. */
const forbidding = new Set([
  ...["required", "additionalProperties", "propertyNames", "minItems", "maxItems", "minLength", "maxLength"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "format"],
]);

/**
 * The JSON schema of a file for VS Code's editor of JSON: it completes and explains the same keys and values, and forbids nothing but
 * wrong types. What is forbidden is reported once, by our own check, which names the nearest allowed key or value.
 */
export function editorSchema(schema: SchemaNode): SchemaNode {
  return relaxed(schema) as SchemaNode;
}

function relaxed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(relaxed);
  if (typeof node !== "object" || node === null) return node;
  const schema = node as SchemaNode;
  const members = (schema.oneOf ?? schema.anyOf) as readonly SchemaNode[] | undefined;
  const key = members && discriminator(members);
  if (members && key !== undefined) {
    const { oneOf: _, anyOf: __, ...rest } = schema;
    return { ...(relaxed(rest) as SchemaNode), ...chosenBy(key, members) };
  }
  const kept = Object.entries(schema).filter(
    ([name, value]) => !forbidding.has(name) || isSchema(name, value),
  );
  const out = Object.fromEntries(kept.map(([name, value]) => [name, inner(name, value)]));
  const { enum: values, const: only, ...rest } = out;
  const allowed = values ?? (only === undefined ? undefined : [only]);
  return allowed === undefined ? out : { ...rest, anyOf: [{ enum: allowed }, {}] };
}

/** The schema of keys that may have any name says what they hold. */
function isSchema(name: string, value: unknown): boolean {
  return name === "additionalProperties" && typeof value === "object";
}

function inner(name: string, value: unknown): unknown {
  if (name === "default" || name === "enum" || name === "const" || name === "examples") return value;
  // A key may be called like a keyword: the names of properties are no keywords.
  if (name !== "properties" && name !== "$defs") return relaxed(value);
  const entries = Object.entries(value as SchemaNode);
  return Object.fromEntries(entries.map(([key, property]) => [key, relaxed(property)]));
}

/** The key whose value tells the members of a union apart; undefined where there is none. */
function discriminator(members: readonly SchemaNode[]): string | undefined {
  const constants = members.map(({ properties }) =>
    Object.entries((properties ?? {}) as Record<string, SchemaNode>)
      .filter(([, property]) => property.const !== undefined)
      .map(([key]) => key),
  );
  return constants[0]?.find((key) => constants.every((keys) => keys.includes(key)));
}

/** A union as a choice: the keys of a member are known once its value is chosen, and any other value is let through. */
function chosenBy(key: string, members: readonly SchemaNode[]): SchemaNode {
  const own = members.map((member) => {
    const { [key]: choice, ...others } = member.properties as Record<string, SchemaNode>;
    const isDefault = choice!.default === choice!.const;
    const rest: SchemaNode = { ...member, properties: others };
    return { choice: choice!, isDefault, member: rest };
  });
  return {
    type: "object",
    properties: {
      [key]: {
        type: "string",
        anyOf: [
          {
            enum: own.map(({ choice }) => choice.const),
            enumDescriptions: own.map(({ choice, member }) => choice.description ?? member.description ?? ""),
          },
          {},
        ],
        ...own.flatMap(({ choice, isDefault }) => (isDefault ? [{ default: choice.const }] : []))[0],
      },
    },
    allOf: own.map(({ choice, isDefault, member }) => ({
      if: { properties: { [key]: { const: choice.const } }, ...(!isDefault && { required: [key] }) },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema.
      then: relaxed(member),
    })),
  };
}
