import type { MethodAnswers } from "../../protocol/report/answers.ts";

/**
 * The runs of two methods that are tested against each other, by their places: those that share a seed. A method without
 * training is the same model whatever the seed, so its one run stands against every run of the other method, under that run's
 * seed. Where no two share a seed, the first of each.
 *
 * @param untrained ids of the methods without training
 */
export function pairRuns(
  first: readonly Pick<MethodAnswers, "method" | "seed">[],
  second: readonly Pick<MethodAnswers, "method" | "seed">[],
  untrained: ReadonlySet<string>,
): { seed: number; first: number; second: number }[] {
  const seedless = (runs: typeof first) => untrained.has(runs[0]!.method);
  if (seedless(first)) return second.map(({ seed }, i) => ({ seed, first: 0, second: i }));
  if (seedless(second)) return first.map(({ seed }, i) => ({ seed, first: i, second: 0 }));
  const pairs = first.flatMap(({ seed }, i) => {
    const j = second.findIndex((other) => other.seed === seed);
    return j < 0 ? [] : [{ seed, first: i, second: j }];
  });
  return pairs.length > 0 ? pairs : [{ seed: first[0]!.seed, first: 0, second: 0 }];
}
