import { expect, test } from "vitest";
import { editorSchema, type SchemaNode } from "../../scripts/editorSchema.ts";
import { benchmarkJsonSchema } from "../../src/protocol/benchmark.ts";
import { comparisonJsonSchema } from "../../src/protocol/comparison.ts";
import { recipeJsonSchema } from "../../src/protocol/recipe.ts";
import { suiteJsonSchema } from "../../src/protocol/suiteDeclaration.ts";
import { sweepJsonSchema } from "../../src/protocol/sweep.ts";

/** Calls back for every schema in a schema, and for every name of a property with the values it lists. */
function walk(node: unknown, see: (schema: SchemaNode) => void): void {
  if (Array.isArray(node)) for (const each of node) walk(each, see);
  if (typeof node !== "object" || node === null || Array.isArray(node)) return;
  const schema = node as SchemaNode;
  see(schema);
  for (const [name, value] of Object.entries(schema)) {
    if (name === "properties" || name === "$defs")
      for (const each of Object.values(value as object)) walk(each, see);
    else if (name !== "default") walk(value, see);
  }
}

function offered(schema: SchemaNode): { keys: string[]; values: string[] } {
  const keys = new Set<string>();
  const values = new Set<string>();
  walk(schema, ({ properties, enum: list, const: only }) => {
    for (const key of Object.keys((properties ?? {}) as object)) keys.add(key);
    for (const value of [...((list ?? []) as unknown[]), ...(only === undefined ? [] : [only])])
      values.add(String(value));
  });
  return { keys: [...keys].sort(), values: [...values].sort() };
}

test.each([
  ["recipe", recipeJsonSchema()],
  ["comparison", comparisonJsonSchema()],
  ["benchmark", benchmarkJsonSchema()],
  ["sweep", sweepJsonSchema()],
  ["suite", suiteJsonSchema()],
])("the schema of a %s for the editor offers every key and value and forbids none", (_, strict) => {
  const relaxed = editorSchema(strict);
  expect(offered(relaxed)).toEqual(offered(strict));
  const forbidding: string[] = [];
  walk(relaxed, (schema) => {
    if (schema.additionalProperties === false) forbidding.push("additionalProperties");
    if (schema.required !== undefined && !("properties" in schema && Object.keys(schema).length === 2))
      forbidding.push("required");
    for (const alternatives of [schema.anyOf, schema.oneOf] as (SchemaNode[] | undefined)[]) {
      const isList = alternatives?.some((one) => one.enum !== undefined);
      if (isList && !alternatives!.some((one) => Object.keys(one).length === 0)) forbidding.push("enum");
    }
  });
  expect(forbidding).toEqual([]);
});

/** A condition and the keys that follow from it. */
function followed(condition: SchemaNode, properties: SchemaNode): SchemaNode {
  return Object.fromEntries([
    ["if", condition],
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema.
    ["then", { type: "object", properties }],
  ]);
}

test("a union becomes a choice whose keys follow from its value, also where that is left to its default", () => {
  const schema = {
    oneOf: [
      { type: "object", properties: { type: { const: "a", default: "a" }, x: {} }, required: ["x"] },
      { type: "object", properties: { type: { const: "b", description: "B" }, y: {} } },
    ],
  };
  expect(editorSchema(schema)).toEqual({
    type: "object",
    properties: {
      type: { type: "string", anyOf: [{ enum: ["a", "b"], enumDescriptions: ["", "B"] }, {}], default: "a" },
    },
    allOf: [
      followed({ properties: { type: { const: "a" } } }, { x: {} }),
      followed({ properties: { type: { const: "b" } }, required: ["type"] }, { y: {} }),
    ],
  });
});
