import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { closestMatch } from "leven";
import type * as z from "zod";
import { DiscernError } from "../protocol/errors.ts";
import { isTooDeep } from "../protocol/nesting.ts";
import { type Recipe, recipeJsonSchema, recipeSchema } from "../protocol/recipe.ts";
import { fromOlderVersion } from "./olderRecipes.ts";
import { mixFault } from "./safetyMix.ts";

type Path = readonly PropertyKey[];

/** A fault of a recipe, at the key it is about. */
export interface RecipeFault {
  /** Null where the text is no JSON. */
  readonly path: Path | null;
  readonly message: string;
  /** Where the key stands in the text, in UTF-16 units. */
  readonly offset: number;
  readonly length: number;
  /** Whether the JSON schema of recipes forbids the same, so that an editor that has it says so by itself. */
  readonly inSchema: boolean;
}

/** A recipe's text as read: the recipe with every default stated where it has no fault, else what is wrong. */
export interface ReadRecipe {
  readonly recipe: Recipe | null;
  readonly faults: readonly RecipeFault[];
  /** Where the key at a path stands, or the nearest key above it where there is none. */
  place(path: Path): { readonly offset: number; readonly length: number };
}

export interface ReadOptions {
  /** Whether the text is the copy in a run folder, which an older version may have written. */
  readonly stored?: boolean;
}

/** Reads a recipe's text. JSON; comments are not allowed, so that every reader of JSON reads a recipe. */
export function readRecipe(text: string, { stored = false }: ReadOptions = {}): ReadRecipe {
  if (isTooDeep(text)) {
    const place = () => ({ offset: 0, length: text.length });
    const message = "lists and objects are nested too deep for a recipe";
    return { recipe: null, faults: [{ path: null, message, ...place(), inSchema: false }], place };
  }
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  const place = (path: Path) => {
    const { offset, length } = tree ? nodeAt(tree, path) : { offset: 0, length: text.length };
    return { offset, length };
  };
  const [syntax] = errors;
  if (syntax || !tree) {
    const message = syntax ? words(printParseErrorCode(syntax.error)) : "the file is empty";
    const at = { offset: syntax?.offset ?? 0, length: syntax?.length ?? 0 };
    return { recipe: null, faults: [{ path: null, message, ...at, inSchema: true }], place };
  }
  const value = fromOlderVersion(JSON.parse(text), stored);
  const result = recipeSchema.safeParse(value);
  if (result.success) {
    const faults = mixFaults(result.data).map((fault) => ({
      ...fault,
      ...place(fault.path),
      inSchema: false,
    }));
    return { recipe: faults.length === 0 ? result.data : null, faults, place };
  }
  const faults = result.error.issues.flatMap((issue) =>
    faultsOf(issue, value).map((fault) => ({
      ...fault,
      ...place(fault.path),
      // What a refinement says cannot be said in JSON schema.
      inSchema: issue.code !== "custom",
    })),
  );
  return { recipe: null, faults, place };
}

/**
 * Reads a recipe and states every default.
 *
 * @param file the name that errors carry.
 * @throws DiscernError `recipe-invalid`, one line a fault: where (line, column, key), what was found, what is allowed.
 */
export function parseRecipe(text: string, file: string, options: ReadOptions = {}): Recipe {
  const { recipe, faults } = readRecipe(text, options);
  if (recipe) return recipe;
  const lines = faults.map(({ path, message, offset }) => {
    const key = path === null ? "" : `${pathText(path)}: `;
    return `${file}:${position(text, offset)}: ${key}${message}.`;
  });
  throw new DiscernError("recipe-invalid", lines.join("\n"));
}

/** Checks a recipe that is already an object, such as one sent by the workbench. @throws as {@link parseRecipe}. */
export function checkRecipe(value: unknown, name = "recipe"): Recipe {
  return parseRecipe(JSON.stringify(value, null, 2), name);
}

/** Shares of safety pairs that a stage cannot hold; the length of epochs is known only with the prompts. */
function mixFaults({ stages }: Recipe): { path: Path; message: string }[] {
  return stages.flatMap((stage, i) => {
    if (stage.type !== "supervised" || stage.steps === undefined) return [];
    const fault = mixFault(stage, stage.steps);
    return fault === null
      ? []
      : [{ path: ["stages", i, "safetyRatio"], message: `found ${stage.safetyRatio}, ${fault}` }];
  });
}

/** The faults of one issue, in words, each at the path of the key it is about. */
function faultsOf(issue: z.core.$ZodIssue, value: unknown): { path: Path; message: string }[] {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(issue.path, value);
    return issue.keys.map((key) => ({ path: [...issue.path, key], message: aboutUnknownKey(key, known) }));
  }
  const found = valueAt(value, issue.path);
  if (found === undefined) return [{ path: issue.path, message: `missing (${describe(issue)})` }];
  return [{ path: issue.path, message: `found ${shorten(found)}, ${describe(issue)}` }];
}

function aboutUnknownKey(key: string, { allowed, chosen, others }: KnownKeys): string {
  const list = `Allowed: ${allowed.join(", ")}`;
  const owners = others.filter(({ keys }) => keys.includes(key)).map(({ name }) => `"${name}"`);
  if (chosen !== null && owners.length > 0) {
    return `"${chosen}" has no such key; ${owners.join(", ")} ${owners.length === 1 ? "has" : "have"} it. ${list}`;
  }
  const near = closestMatch(key, allowed, { maxDistance: Math.max(2, Math.floor(key.length / 2)) });
  return `unknown key, ${near ? `did you mean "${near}"?` : "it is not a key of a recipe here;"} ${list}`;
}

/** What an issue says is allowed. */
function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${issue.expected}`;
    case "invalid_value":
      // A schema's own words, where it has some, say more than the list.
      return issue.message.startsWith("Invalid ")
        ? `allowed: ${issue.values.map(String).join(", ")}`
        : issue.message;
    case "invalid_union": {
      if (issue.discriminator !== undefined) {
        const options = (issue as { options?: readonly unknown[] }).options ?? [];
        return `allowed: ${options
          .filter((option) => option !== undefined)
          .map(String)
          .join(", ")}`;
      }
      return issue.errors.flatMap((branch) => branch.slice(0, 1).map(describe)).join("; or ");
    }
    default:
      return issue.message.charAt(0).toLowerCase() + issue.message.slice(1);
  }
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  const?: unknown;
  default?: unknown;
}

/** The keys of an object in a recipe. */
interface KnownKeys {
  /** Those that it may have. */
  readonly allowed: readonly string[];
  /** Name of the member of a union that it is, such as "supcon"; null where it is none. */
  readonly chosen: string | null;
  /** The other members of the union, with the keys of each. */
  readonly others: readonly { readonly name: string; readonly keys: readonly string[] }[];
}

/** The keys that the schema knows for the object at `path`. */
function keysAt(path: Path, value: unknown): KnownKeys {
  let schemas: JsonSchema[] = [recipeJsonSchema() as JsonSchema];
  let here = value;
  for (const key of path) {
    schemas = members(schemas)
      .filter((schema) => isChosen(schema, here))
      .flatMap((schema) => {
        const next = typeof key === "number" ? schema.items : schema.properties?.[String(key)];
        return next ? [next] : [];
      });
    here = valueAt(here, [key]);
  }
  const all = members(schemas);
  const chosen = all.filter((schema) => isChosen(schema, here));
  const keys = ({ properties }: JsonSchema) => Object.keys(properties ?? {});
  return {
    allowed: [...new Set(chosen.flatMap(keys))],
    chosen: chosen.map(memberName).find((name) => name !== null) ?? null,
    others: all.flatMap((schema) => {
      const name = memberName(schema);
      return name === null || chosen.includes(schema) ? [] : [{ name, keys: keys(schema) }];
    }),
  };
}

function members(schemas: readonly JsonSchema[]): JsonSchema[] {
  return schemas.flatMap((schema) => [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]);
}

/** Whether a value has what a member of a union is told by, or leaves it to its default. */
function isChosen({ properties }: JsonSchema, value: unknown): boolean {
  return Object.entries(properties ?? {}).every(
    ([key, { const: own, default: preset }]) =>
      own === undefined || (valueAt(value, [key]) ?? preset) === own,
  );
}

function memberName({ properties }: JsonSchema): string | null {
  const name = Object.values(properties ?? {}).find(({ const: own }) => own !== undefined)?.const;
  return name === undefined ? null : String(name);
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (here, key) => (here as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  );
}

/** The property or value at `path`, or the nearest above it where a key is missing. */
function nodeAt(tree: Node, path: Path): Node {
  for (let length = path.length; length > 0; length--) {
    const segments = path.slice(0, length).map((key) => (typeof key === "symbol" ? String(key) : key));
    const node = findNodeAtLocation(tree, segments);
    if (node) return node.parent?.type === "property" ? node.parent : node;
  }
  return tree;
}

/** "line:column", both from 1. */
function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `${before.length}:${before.at(-1)!.length + 1}`;
}

/** A path as people write it, such as `stages[1].train.targets[0]`. */
export function pathText(path: Path): string {
  if (path.length === 0) return "the recipe";
  return path
    .map((key, i) => (typeof key === "number" ? `[${key}]` : `${i ? "." : ""}${String(key)}`))
    .join("");
}

/** "CommaExpected" → "comma expected". */
function words(code: string): string {
  return code.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
