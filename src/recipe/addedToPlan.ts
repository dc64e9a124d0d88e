import { isDeepStrictEqual } from "node:util";
import type { Cell } from "../protocol/cells.ts";
import { addedEvaluation } from "./addedEvaluation.ts";

/** What an experiment that was changed has more than before. */
export interface AddedToPlan {
  /** Runs that it had not. */
  readonly runs: number;
  /** Names of the suites that runs which it had answer now as well. */
  readonly suites: readonly string[];
  /** Most judges that one of those runs has more. */
  readonly judges: number;
}

/**
 * What cells have more than those of an earlier plan, whose runs then stay as they are but for what is added.
 *
 * @param missing names of suites that cannot be had, which no run answers.
 * @returns null where nothing is added, they have no run in common, or one of those is to be another run.
 */
export function addedToPlan(
  before: readonly Cell[],
  now: readonly Cell[],
  missing: ReadonlySet<string> = new Set(),
): AddedToPlan | null {
  const earlier = new Map(before.map((cell) => [cell.name, cell]));
  const common = now.filter(({ name }) => earlier.has(name));
  const added = common.map((cell) => {
    const was = earlier.get(cell.name)!;
    const isSame = isDeepStrictEqual({ ...was, id: "", recipe: null }, { ...cell, id: "", recipe: null });
    const { evaluate } = cell.recipe;
    const suites = evaluate.suites.filter(({ name }) => !missing.has(name));
    return isSame ? addedEvaluation(was.recipe, { ...cell.recipe, evaluate: { ...evaluate, suites } }) : null;
  });
  if (common.length === 0 || added.includes(null)) return null;
  const known = added.flatMap((each) => each ?? []);
  const found = {
    runs: now.length - common.length,
    suites: [...new Set(known.flatMap(({ suites }) => suites))],
    judges: known.reduce((most, { judges }) => Math.max(most, judges), 0),
  };
  return found.runs + found.suites.length + found.judges === 0 ? null : found;
}
