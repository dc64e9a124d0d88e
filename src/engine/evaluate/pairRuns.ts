import type { MethodAnswers } from "../../protocol/report/answers.ts";

/** The runs of two methods that share a seed, by their places; where no two do, the first of each. */
export function pairRuns(
  first: readonly Pick<MethodAnswers, "seed">[],
  second: readonly Pick<MethodAnswers, "seed">[],
): { seed: number; first: number; second: number }[] {
  const pairs = first.flatMap(({ seed }, i) => {
    const j = second.findIndex((other) => other.seed === seed);
    return j < 0 ? [] : [{ seed, first: i, second: j }];
  });
  return pairs.length > 0 ? pairs : [{ seed: first[0]!.seed, first: 0, second: 0 }];
}
