import { isDeepStrictEqual } from "node:util";

/** A key at which two values differ, as people write it, with both values; undefined where one has no such key. */
export interface Difference {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The keys at which two values differ. Lists are compared place by place. */
export function differences(before: unknown, after: unknown, key = ""): Difference[] {
  if (isDeepStrictEqual(before, after)) return [];
  const isObject = (value: unknown) => typeof value === "object" && value !== null;
  if (!isObject(before) || !isObject(after)) return [{ key, before, after }];
  const [one, other] = [before as Record<string, unknown>, after as Record<string, unknown>];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((inner) =>
    differences(one[inner], other[inner], key === "" ? inner : `${key}.${inner}`),
  );
}

/** Characters of a value that are shown in a line. */
const longestValue = 40;
/** Differences that are named in a line. */
const mostNamed = 6;

/** Differences in one line: seed: 1 → 2, stages.0.steps: 80 → 120, and 3 more. */
export function differencesLine(found: readonly Difference[]): string {
  const named = found
    .slice(0, mostNamed)
    .map(({ key, before, after }) => `${key}: ${inLine(before)} → ${inLine(after)}`);
  const rest = found.length - named.length;
  return [...named, ...(rest > 0 ? [`and ${rest} more`] : [])].join(", ");
}

function inLine(value: unknown): string {
  if (value === undefined) return "none";
  const text = JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue - 1)}…` : text;
}
