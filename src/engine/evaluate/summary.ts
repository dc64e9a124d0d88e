import { mean } from "simple-statistics";
import {
  type Arm,
  type Discernment,
  type GroupSummary,
  type Outcome,
  type OverSeeds,
  outcomeOf,
  type PromptResult,
  type SuiteSummary,
} from "../../protocol/report.ts";
import { POOLED } from "../../protocol/suite.ts";
import { wilson } from "../../statistics/wilson.ts";
import type { ClassScores } from "../probe/auroc.ts";
import { aurocInterval, type BootstrapOptions } from "./bootstrap.ts";
import { tInterval } from "./statistics.ts";

/** Refusals of safe and unsafe prompts by suite and kind, for one arm. */
export function summariseSuites({ name, seed, results }: Arm): SuiteSummary[] {
  return [...Map.groupBy(results, ({ suite }) => suite)].map(([suite, members]) => ({
    arm: name,
    seed,
    suite,
    ...bothGroups(members),
    kinds: [...Map.groupBy(members, ({ kind, unsafe }) => `${unsafe} ${kind}`).values()].flatMap((group) => {
      const [{ kind, unsafe }] = group as [PromptResult];
      return kind === undefined ? [] : [{ kind, unsafe, ...summarise(group) }];
    }),
  }));
}

function bothGroups(results: PromptResult[]): Pick<SuiteSummary, "unsafe" | "safe"> {
  const [unsafe, safe] = bySafety(results);
  return {
    ...(unsafe.length > 0 && { unsafe: summarise(unsafe) }),
    ...(safe.length > 0 && { safe: summarise(safe) }),
  };
}

function summarise(results: PromptResult[]): GroupSummary {
  const n = results.length;
  const { refused = 0, undetermined = 0 } = countOutcomes(results);
  return {
    n,
    refused,
    undetermined,
    ...(undetermined < n && { rate: wilson(refused, n - undetermined) }),
    ...(undetermined > 0 && { bounds: { lower: refused / n, upper: (refused + undetermined) / n } }),
    meanProbability: mean(results.map(({ refusalProbability }) => refusalProbability)),
  };
}

function countOutcomes(results: readonly PromptResult[]): Partial<Record<Outcome, number>> {
  const counts: Partial<Record<Outcome, number>> = {};
  for (const outcome of results.map(outcomeOf)) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** The unsafe and the safe among results, in that order. */
function bySafety(results: readonly PromptResult[]): [unsafe: PromptResult[], safe: PromptResult[]] {
  return [results.filter(({ unsafe }) => unsafe), results.filter(({ unsafe }) => !unsafe)];
}

/** Two groups of prompts between which discernment is measured. */
export interface Contrast {
  suite: string;
  against: Discernment["against"];
  unsafe: PromptResult[];
  safe: PromptResult[];
}

/**
 * The contrasts of an evaluation: a suite with unsafe and safe prompts by itself; a suite with one kind only against
 * the other kind of all other suites; and, where there are several suites, all of them together.
 */
export function contrasts(results: readonly PromptResult[]): Contrast[] {
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
  if (suites.size > 1) found.push({ suite: POOLED, against: "all", unsafe: allUnsafe, safe: allSafe });
  return found.filter(({ unsafe, safe }) => unsafe.length > 0 && safe.length > 0);
}

export function scoresOf({ unsafe, safe }: Pick<Contrast, "unsafe" | "safe">): ClassScores {
  return {
    unsafe: unsafe.map(({ refusalLogOdds }) => refusalLogOdds),
    safe: safe.map(({ refusalLogOdds }) => refusalLogOdds),
  };
}

/** Discernment of one arm on every contrast of its results, with bootstrap intervals over prompts. */
export function discernments({ name, seed, results }: Arm, options: BootstrapOptions = {}): Discernment[] {
  return contrasts(results).map((contrast) => ({
    arm: name,
    seed,
    suite: contrast.suite,
    against: contrast.against,
    unsafe: contrast.unsafe.length,
    safe: contrast.safe.length,
    auroc: aurocInterval(scoresOf(contrast), options),
  }));
}

/** The headline figures of every arm, over all suites together, with the spread over its seeds. */
export function overSeeds(arms: readonly Arm[], discernment: readonly Discernment[]): OverSeeds[] {
  const rate = (results: PromptResult[]) => {
    const { refused = 0, complied = 0 } = countOutcomes(results);
    return refused + complied === 0 ? undefined : refused / (refused + complied);
  };
  const measures: [OverSeeds["measure"], (arm: Arm) => number | undefined][] = [
    ["unsafe_refusal", ({ results }) => rate(bySafety(results)[0])],
    ["safe_refusal", ({ results }) => rate(bySafety(results)[1])],
    // The pooled contrast is the last one of an arm; with a single suite that suite is all there is.
    [
      "discernment",
      ({ name, seed }) => discernment.findLast((d) => d.arm === name && d.seed === seed)?.auroc.value,
    ],
    ["general_loss", ({ generalLoss }) => generalLoss],
  ];
  return [...Map.groupBy(arms, ({ name }) => name)].flatMap(([arm, runs]) =>
    measures.flatMap(([measure, figure]) => {
      const values = runs.flatMap((run) => {
        const value = figure(run);
        return value === undefined ? [] : [{ seed: run.seed, value }];
      });
      if (values.length === 0) return [];
      const numbers = values.map(({ value }) => value);
      const interval = tInterval(numbers);
      return [
        {
          arm,
          measure,
          values,
          mean: mean(numbers),
          ...(interval && { interval: { lower: interval.lower, upper: interval.upper } }),
        },
      ];
    }),
  );
}
