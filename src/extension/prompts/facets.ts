import type { Outcome } from "../../protocol/report/verdicts.ts";
import { type VerdictKind, verdictsOf } from "./filter.ts";
import type { PromptFile } from "./promptFile.ts";
import type { PromptState } from "./promptState.ts";
import type { TreeModel } from "./treeModel.ts";

/** How many prompts, of all files that are read, each choice of the filter would let pass by itself. */
export interface Facets {
  readonly states: ReadonlyMap<PromptState, number>;
  readonly kinds: ReadonlyMap<string, number>;
  readonly verdicts: ReadonlyMap<VerdictKind, number>;
  readonly disputed: number;
}

/** Counts the prompts for each choice of the filter. */
export function countFacets(
  files: readonly PromptFile[],
  model: TreeModel,
  outcomeOf: (file: PromptFile, id: string) => Outcome | undefined,
): Facets {
  const states = new Map<PromptState, number>();
  const kinds = new Map<string, number>();
  const verdicts = new Map<VerdictKind, number>();
  let disputed = 0;
  for (const file of files) {
    const outline = model.branch(file)?.outline;
    if (!outline) continue;
    disputed += outline.tally.disputed;
    for (const [number, { id, kind }] of file.records.entries()) {
      const state = outline.stateOf(number);
      add(states, state);
      add(kinds, kind ?? "");
      for (const verdict of verdictsOf(state, outcomeOf(file, id))) add(verdicts, verdict);
    }
  }
  return { states, kinds, verdicts, disputed };
}

function add<T>(counts: Map<T, number>, key: T): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
