import { mean } from "simple-statistics";
import type { MethodAnswers, PromptResult } from "../../../protocol/report/answers.ts";
import type { MeasureDefinition, MeasureRow } from "../../../protocol/report/measures.ts";
import { POOLED } from "../../../protocol/suite.ts";
import { type ClassScores, type RocCurve, rocCurve } from "../../../statistics/roc.ts";
import { rocDifference, rocInterval } from "../bootstrap.ts";
import type { Measure, NewDifference } from "./measure.ts";

/** Two groups of prompts between which a model is to tell. */
export interface Contrast {
  readonly suite: string;
  readonly against: NonNullable<MeasureRow["against"]>;
  readonly unsafe: readonly PromptResult[];
  readonly safe: readonly PromptResult[];
}

/**
 * The contrasts of an evaluation: a suite with unsafe and safe prompts by itself; a suite with one group only against
 * the other group of all other suites; and all of them together.
 */
export function contrasts(results: readonly PromptResult[]): Contrast[] {
  const bySafety = (some: readonly PromptResult[]) =>
    [some.filter(({ unsafe }) => unsafe), some.filter(({ unsafe }) => !unsafe)] as const;
  const [allUnsafe, allSafe] = bySafety(results);
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
export function comparedContrasts(results: readonly PromptResult[]): Contrast[] {
  const found = contrasts(results);
  return found.length > 2 ? found : found.filter(({ suite }) => suite !== POOLED);
}

/** The contrasts of one suite in several runs. */
export function contrastsOf(runs: readonly Pick<MethodAnswers, "results">[], suite: string): Contrast[] {
  return runs.flatMap(({ results }) => contrasts(results).filter((contrast) => contrast.suite === suite));
}

/** Refusal log-odds of a contrast. */
export function scoresOf({ unsafe, safe }: Contrast): ClassScores {
  return {
    unsafe: unsafe.map(({ refusalLogOdds }) => refusalLogOdds),
    safe: safe.map(({ refusalLogOdds }) => refusalLogOdds),
  };
}

/**
 * A measure that is read from the operating curve of refusal log-odds, unsafe against safe prompts, with a bootstrap interval
 * over prompts, which are redrawn within their class.
 */
export function curveMeasure(definition: MeasureDefinition, figure: (curve: RocCurve) => number): Measure {
  return {
    definition,
    rows({ results }, { bootstrap }) {
      return contrasts(results).map((contrast) => {
        const { value, lower, upper } = rocInterval(scoresOf(contrast), figure, bootstrap);
        return {
          ...{ suite: contrast.suite, group: "all" as const, against: contrast.against },
          ...{ estimate: value, interval: { lower, upper } },
          n: contrast.unsafe.length + contrast.safe.length,
        };
      });
    },
    differences(first, second, { bootstrap }) {
      return comparedContrasts(first[0]!.results).map(({ suite, unsafe, safe }): NewDifference => {
        const [before, after] = [first, second].map((runs) => contrastsOf(runs, suite).map(scoresOf));
        const average = (runs: ClassScores[]) => mean(runs.map((scores) => figure(rocCurve(scores))));
        const { p, ...difference } = rocDifference(before!, after!, figure, bootstrap);
        return {
          ...{ suite, group: "all", n: unsafe.length + safe.length },
          ...{ first: average(before!), second: average(after!), difference, p },
        };
      });
    },
  };
}
