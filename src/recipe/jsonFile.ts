import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import type * as z from "zod";
import { DiscernError } from "../protocol/errors.ts";
import { nearest } from "../protocol/nearest.ts";
import { isTooDeep } from "../protocol/nesting.ts";
import { counted } from "../wording/numbers.ts";

type Path = readonly PropertyKey[];

/** A fault of a JSON file, at the key it is about. */
export interface JsonFault {
  /** Null where the text is no JSON. */
  readonly path: Path | null;
  /** Whole sentences. */
  readonly message: string;
  /** Where the key stands in the text, in UTF-16 units. */
  readonly offset: number;
  readonly length: number;
  /** What would stand there if the nearest key or value was meant; missing where none is near. */
  readonly fix?: { readonly offset: number; readonly length: number; readonly text: string };
}

/** A kind of JSON file that people write. */
export interface JsonFileKind<T> {
  readonly schema: z.ZodType<T>;
  /** The same for editors, as people write it; its keys are suggested for misspelt ones. */
  readonly jsonSchema: () => Record<string, unknown>;
  /** What it is called in errors, such as "recipe". */
  readonly noun: string;
  /** Makes what an older version wrote a value of today. */
  readonly convert?: (value: unknown) => unknown;
  /** What the schema cannot say. */
  readonly faults?: (value: T) => readonly { readonly path: Path; readonly message: string }[];
}

/** A JSON file as read: its value with every default stated where it has no fault, else what is wrong. */
export interface ReadJson<T> {
  readonly value: T | null;
  /** All of them, in the order of their places. */
  readonly faults: readonly JsonFault[];
  /**
   * What a file with faults is taken to mean, so that what it names can be looked at all the same: the nearest keys and values, and
   * no others that are at fault. Null where the file has no faults, or none can be left out.
   */
  readonly assumed: T | null;
  /** Where the key at a path stands, or the nearest key above it where there is none. */
  place(path: Path): { readonly offset: number; readonly length: number };
}

/** Reads a JSON file that people write. Comments are not allowed, so that every reader of JSON reads it. */
export function readJsonFile<T>(text: string, kind: JsonFileKind<T>): ReadJson<T> {
  if (isTooDeep(text)) {
    const place = () => ({ offset: 0, length: text.length });
    const message = `Lists and objects are nested too deep for a ${kind.noun}.`;
    return { value: null, assumed: null, faults: [{ path: null, message, ...place() }], place };
  }
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  const place = (path: Path) => {
    const { offset, length } = tree ? nodeAt(tree, path) : { offset: 0, length: text.length };
    return { offset, length };
  };
  const [syntax] = errors;
  if (syntax || !tree) {
    const message =
      text.trim() !== "" && syntax
        ? `Not JSON: ${words(printParseErrorCode(syntax.error))}.`
        : "The file is empty.";
    const at = { offset: syntax?.offset ?? 0, length: syntax?.length ?? 0 };
    return { value: null, assumed: null, faults: [{ path: null, message, ...at }], place };
  }
  const json: unknown = JSON.parse(text);
  const { value, assumed, faults } = findFaults(kind.convert ? kind.convert(json) : json, kind);
  const placed = faults.map(({ meant, ...fault }) => ({
    ...fault,
    ...place(fault.path),
    ...fixOf(tree, fault.path, meant),
  }));
  return { value, assumed, faults: placed.sort((a, b) => a.offset - b.offset), place };
}

/** A fault before it is placed. */
interface Fault {
  readonly path: Path;
  readonly message: string;
  /** The key or the value that was most likely meant. */
  readonly meant?: { readonly key: string } | { readonly value: unknown };
}

/** How often a value is read again as what was meant: a misspelt type hides the keys inside, and these the ones below. */
const maxReadings = 8;

/**
 * Every fault of a value at once. A fault hides others, as a misspelt type hides the keys that go with it, so the value is read again
 * as what was meant until nothing new is found.
 */
function findFaults<T>(
  value: unknown,
  kind: JsonFileKind<T>,
): { value: T | null; assumed: T | null; faults: Fault[] } {
  const found: Fault[] = [];
  const known = new Set<string>();
  const renamed: { readonly path: Path; readonly to: string }[] = [];
  let reading = value;
  for (let n = 0; n < maxReadings; n++) {
    const result = kind.schema.safeParse(reading);
    const faults: readonly Fault[] = result.success
      ? (kind.faults?.(result.data) ?? [])
      : firstIssues(result.error.issues.flatMap(issuesOfBranch), reading).flatMap((issue) =>
          faultsOf(issue, reading, kind),
        );
    if (result.success && faults.length === 0) {
      const isSound = found.length === 0;
      return {
        value: isSound ? result.data : null,
        assumed: isSound ? null : result.data,
        faults: found,
      };
    }
    // What is found again in what was meant is known; two faults of one key in one reading are two.
    const fresh = faults
      .map((fault) => ({ ...fault, path: originalPath(fault.path, renamed) }))
      .filter(({ path }) => !known.has(JSON.stringify(path)));
    for (const { path } of fresh) known.add(JSON.stringify(path));
    for (const fault of fresh) found.push(fault);
    const next = structuredClone(reading);
    const changes = faults.map((fault) => {
      const isChanged = assume(next, fault);
      if (isChanged && fault.meant && "key" in fault.meant)
        renamed.push({ path: fault.path, to: fault.meant.key });
      return isChanged;
    });
    if (!changes.includes(true)) break;
    reading = next;
  }
  return { value: null, assumed: null, faults: found };
}

/**
 * The issues without those that may follow from an unknown key: what is missing beside it, and what is wrong with the object that has it. They
 * are found again once the key is read as what was meant.
 */
function firstIssues(issues: readonly z.core.$ZodIssue[], value: unknown): z.core.$ZodIssue[] {
  const unknown = issues.filter(({ code }) => code === "unrecognized_keys");
  const holders = new Set(unknown.map(({ path }) => JSON.stringify(path)));
  const follows = ({ path }: z.core.$ZodIssue) =>
    holders.has(JSON.stringify(path)) ||
    (valueAt(value, path) === undefined && holders.has(JSON.stringify(path.slice(0, -1))));
  return issues.filter((issue) => issue.code === "unrecognized_keys" || !follows(issue));
}

/** A path in what was meant, with the keys that the person wrote. */
function originalPath(path: Path, renamed: readonly { readonly path: Path; readonly to: string }[]): Path {
  return renamed.reduceRight<Path>((now, { path: from, to }) => {
    const last = from.length - 1;
    const isThere = now[last] === to && from.slice(0, last).every((key, i) => now[i] === key);
    return isThere ? [...from, ...now.slice(from.length)] : now;
  }, path);
}

/** Puts what was meant in the place of what is at fault, or takes it away, so that the default counts. @returns whether that could be done. */
function assume(root: unknown, { path, meant }: Fault): boolean {
  const key = path.at(-1);
  const holder = valueAt(root, path.slice(0, -1)) as Record<PropertyKey, unknown> | null | undefined;
  if (key === undefined || typeof holder !== "object" || holder === null) return false;
  if (!Object.hasOwn(holder, key)) return false;
  if (meant && "value" in meant) holder[key] = meant.value;
  else if (Array.isArray(holder)) return false;
  else {
    if (meant && !Object.hasOwn(holder, meant.key)) holder[meant.key] = holder[key];
    delete holder[key];
  }
  return true;
}

/** The change of the text that writes what was meant. */
function fixOf(tree: Node, path: Path, meant: Fault["meant"]): Pick<JsonFault, "fix"> {
  if (meant === undefined) return {};
  const value = findNodeAtLocation(
    tree,
    path.map((key) => (typeof key === "symbol" ? String(key) : key)),
  );
  const at = "key" in meant ? value?.parent?.children?.[0] : value;
  if (at === undefined) return {};
  const text = JSON.stringify("key" in meant ? meant.key : meant.value);
  return { fix: { offset: at.offset, length: at.length, text } };
}

/**
 * Reads a JSON file that people write and states every default.
 *
 * @param file the name that errors carry.
 * @throws DiscernError `recipe-invalid`, one line a fault: where (line, column, key), what was found, what is allowed.
 */
export function parseJsonFile<T>(text: string, file: string, kind: JsonFileKind<T>): T {
  const { value, faults } = readJsonFile(text, kind);
  if (value !== null) return value;
  const lines = faults.map(({ path, message, offset }) => {
    const key = path === null ? "" : `${path.length === 0 ? `the ${kind.noun}` : pathText(path)}: `;
    return `${file}:${position(text, offset)}: ${key}${message}`;
  });
  throw new DiscernError("recipe-invalid", lines.join("\n"));
}

/**
 * What is wrong with a value that may be of several types: the issues of the only branch whose type it has, such as those of
 * the object where a text or an object is allowed. Elsewhere the issue itself.
 */
function issuesOfBranch(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== "invalid_union" || issue.discriminator !== undefined) return [issue];
  const fitting = issue.errors.filter(
    (branch) => !branch.some(({ code, path }) => code === "invalid_type" && path.length === 0),
  );
  const [branch] = fitting;
  if (branch === undefined || fitting.length > 1) return [issue];
  return branch
    .map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }) as z.core.$ZodIssue)
    .flatMap(issuesOfBranch);
}

/** The faults of one issue, in words, each at the path of the key it is about. */
function faultsOf<T>(
  issue: z.core.$ZodIssue,
  value: unknown,
  { jsonSchema, noun }: JsonFileKind<T>,
): Fault[] {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(issue.path, value, jsonSchema());
    return issue.keys.map((key) => ({ path: [...issue.path, key], ...aboutUnknownKey(key, known, noun) }));
  }
  const found = valueAt(value, issue.path);
  if (found === undefined) return [{ path: issue.path, message: `Missing: ${describe(issue)}.` }];
  const near = typeof found === "string" ? nearest(found, allowedWords(issue)) : undefined;
  if (near === undefined)
    return [{ path: issue.path, message: `Found ${shorten(found)}, ${describe(issue)}.` }];
  const allowed = describe(issue);
  const message = `Found ${shorten(found)}, did you mean "${near}"? ${allowed.charAt(0).toUpperCase()}${allowed.slice(1)}.`;
  return [{ path: issue.path, message, meant: { value: near } }];
}

/** The words among which an issue lets one choose. */
function allowedWords(issue: z.core.$ZodIssue): string[] {
  const isWord = (value: unknown): value is string => typeof value === "string";
  if (issue.code === "invalid_value") return issue.values.filter(isWord);
  if (issue.code !== "invalid_union") return [];
  if (issue.discriminator !== undefined)
    return ((issue as { options?: readonly unknown[] }).options ?? []).filter(isWord);
  return issue.errors.flatMap((branch) =>
    branch.filter(({ path }) => path.length === 0).flatMap((inner) => allowedWords(inner)),
  );
}

const listed = new Intl.ListFormat("en");

function aboutUnknownKey(
  key: string,
  { allowed, chosen, others }: KnownKeys,
  noun: string,
): Pick<Fault, "message" | "meant"> {
  const list = `Allowed: ${allowed.join(", ")}.`;
  const owners = others.filter(({ keys }) => keys.includes(key)).map(({ name }) => `"${name}"`);
  if (chosen !== null && owners.length > 0) {
    const have = owners.length === 1 ? "has" : "have";
    return { message: `"${chosen}" has no such key; ${listed.format(owners)} ${have} it. ${list}` };
  }
  const near = nearest(key, allowed);
  return near === undefined
    ? { message: `Not a key of a ${noun} here. ${list}` }
    : { message: `Unknown key, did you mean "${near}"? ${list}`, meant: { key: near } };
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
    case "too_small":
      return issue.message.startsWith("Too ")
        ? limit(issue.origin, issue.inclusive ? "at least" : "more than", issue.minimum)
        : issue.message;
    case "too_big":
      return issue.message.startsWith("Too ")
        ? limit(issue.origin, issue.inclusive ? "at most" : "less than", issue.maximum)
        : issue.message;
    default:
      return (issue.message.charAt(0).toLowerCase() + issue.message.slice(1)).replace(/\.$/, "");
  }
}

/** "expected more than 0"; "expected at least 1 item" */
function limit(origin: string, bound: string, value: number | bigint): string {
  const one = { string: "character", array: "item" }[origin];
  return `expected ${bound} ${one === undefined ? value : counted(Number(value), one)}`;
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  const?: unknown;
  default?: unknown;
}

/** The keys of an object in such a file. */
interface KnownKeys {
  /** Those that it may have. */
  readonly allowed: readonly string[];
  /** Name of the member of a union that it is, such as "supcon"; null where it is none. */
  readonly chosen: string | null;
  /** The other members of the union, with the keys of each. */
  readonly others: readonly { readonly name: string; readonly keys: readonly string[] }[];
}

/** The keys that the schema knows for the object at `path`. */
function keysAt(path: Path, value: unknown, schema: JsonSchema): KnownKeys {
  let schemas: JsonSchema[] = [schema];
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
