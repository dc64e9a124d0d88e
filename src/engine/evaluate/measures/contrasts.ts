import type { MethodAnswers, PromptResult } from "../../../protocol/report/answers.ts";
import type { MeasureRow } from "../../../protocol/report/measures.ts";
import { POOLED } from "../../../protocol/suite.ts";
import type { ClassScores } from "../../../statistics/roc.ts";
import type { ClassUnits } from "../bootstrap.ts";
import type { MeasureContext } from "./measure.ts";

/** Two groups of prompts between which a model is to tell. */
export interface Contrast {
  readonly suite: string;
  readonly against: NonNullable<MeasureRow["against"]>;
  readonly unsafe: readonly PromptResult[];
  readonly safe: readonly PromptResult[];
}

/**
 * The contrasts of an evaluation: a suite with unsafe and safe prompts by itself; a suite with one group only against
 * the other group of all other suites; and all of them together. Prompts of several suites together count once each.
 */
export function contrasts(
  results: readonly PromptResult[],
  { prompts }: Pick<MeasureContext, "prompts">,
): Contrast[] {
  const bySafety = (some: readonly PromptResult[]) =>
    [some.filter(({ unsafe }) => unsafe), some.filter(({ unsafe }) => !unsafe)] as const;
  const [allUnsafe, allSafe] = bySafety(prompts.once(results));
  const suites = Map.groupBy(results, ({ suite }) => suite);
  const found = [...suites].map(([suite, members]): Contrast => {
    const [unsafe, safe] = bySafety(members);
    if (unsafe.length > 0 && safe.length > 0) return { suite, against: "itself", unsafe, safe };
    return {
      suite,
      against: "others",
      unsafe: unsafe.length > 0 ? unsafe : allUnsafe,
      safe: safe.length > 0 ? safe : allSafe,
    };
  });
  found.push({ suite: POOLED, against: "all", unsafe: allUnsafe, safe: allSafe });
  return found.filter(({ unsafe, safe }) => unsafe.length > 0 && safe.length > 0);
}

/** The contrasts that two methods are compared on. With one suite, that suite is all there is. */
export function comparedContrasts(
  results: readonly PromptResult[],
  context: Pick<MeasureContext, "prompts">,
): Contrast[] {
  const found = contrasts(results, context);
  return found.length > 2 ? found : found.filter(({ suite }) => suite !== POOLED);
}

/** The contrasts of one suite in several runs. */
export function contrastsOf(
  runs: readonly Pick<MethodAnswers, "results">[],
  suite: string,
  context: Pick<MeasureContext, "prompts">,
): Contrast[] {
  return runs.flatMap(({ results }) =>
    contrasts(results, context).filter((contrast) => contrast.suite === suite),
  );
}

/** What the prompts of a contrast are drawn in: a matched pair has one on each side. */
export function unitsOf(
  { unsafe, safe }: Contrast,
  { prompts }: Pick<MeasureContext, "prompts">,
): ClassUnits {
  return { unsafe: unsafe.map(prompts.unitOf), safe: safe.map(prompts.unitOf) };
}

/** Refusal log-odds of a contrast. */
export function scoresOf({ unsafe, safe }: Contrast): ClassScores {
  return {
    unsafe: unsafe.map(({ refusalLogOdds }) => refusalLogOdds),
    safe: safe.map(({ refusalLogOdds }) => refusalLogOdds),
  };
}
