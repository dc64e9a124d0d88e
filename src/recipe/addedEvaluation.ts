import { isDeepStrictEqual } from "node:util";
import type { Recipe } from "../protocol/recipe.ts";

/** What a recipe asks of a finished run: names of suites that it has not answered, and how many judges that have not read its answers. */
export interface AddedEvaluation {
  readonly suites: readonly string[];
  readonly judges: number;
}

/**
 * What a recipe evaluates beyond what a run's recipe does. Further suites and judges change nothing of what a run has done: its model
 * answers, and its answers are judged, later.
 *
 * @param begun recipe of the run.
 * @returns null where the two differ in anything else.
 */
export function addedEvaluation(begun: Recipe, asked: Recipe): AddedEvaluation | null {
  const { suites, judges } = asked.evaluate;
  const names = new Set(begun.evaluate.suites.map(({ name }) => name));
  const isJudging = (judge: unknown) => begun.evaluate.judges.some((one) => isDeepStrictEqual(one, judge));
  const evaluate = {
    ...asked.evaluate,
    suites: suites.filter(({ name }) => names.has(name)),
    judges: judges.filter(isJudging),
  };
  if (!isDeepStrictEqual({ ...asked, evaluate }, begun)) return null;
  const added = suites.filter(({ name }) => !names.has(name));
  return { suites: added.map(({ name }) => name), judges: judges.length - evaluate.judges.length };
}
