import type { RunSummary } from "./summary.ts";

/** What a filter looks at. */
export interface Filterable extends Pick<RunSummary, "name" | "state" | "kind" | "remarks" | "manifest"> {
  readonly label: string;
  readonly folder: { readonly path: string };
}

/**
 * Whether a run is shown. Every word of the filter must be found: in its name, folder, model, state, tags or notes, or, a word
 * that begins with #, at the start of a tag. Capitals do not matter.
 */
export function passesFilter(run: Filterable, filter: string): boolean {
  const { label, folder, name, state, kind = "run", remarks, manifest } = run;
  const tags = (remarks?.tags ?? []).map((tag) => tag.toLowerCase());
  const text = [label, folder.path.split("/").at(-1), name, state, kind, manifest?.model.name, remarks?.notes]
    .filter(Boolean)
    .join("\n")
    .toLowerCase();
  return wordsOf(filter).every((word) =>
    word.startsWith("#")
      ? tags.some((tag) => tag.startsWith(word.slice(1)))
      : text.includes(word) || tags.some((tag) => tag.includes(word)),
  );
}

function wordsOf(filter: string): string[] {
  return filter.toLowerCase().split(/\s+/).filter(Boolean);
}

/** All tags that runs have, sorted. */
export function tagsOf(runs: readonly Pick<RunSummary, "remarks">[]): string[] {
  const all = new Set(runs.flatMap(({ remarks }) => remarks?.tags ?? []));
  return [...all].sort((a, b) => a.localeCompare(b));
}
