import type { Label } from "../../../protocol/label.ts";
import { shuffled, stream } from "../../../statistics/random.ts";
import type { PairSides } from "./sides.ts";

/** A gap between groups, and that of shuffled labels. */
export interface Gap {
  readonly value: number;
  readonly shuffled: {
    readonly mean: number;
    readonly lower: number;
    readonly upper: number;
    readonly p: number;
  };
}

/**
 * Mean of a value over pairs within toxic and within seemingly toxic prompts, minus its mean over pairs across, in units of its mean over all of
 * these pairs; beside that of shuffled labels (a permutation test, in which the labels as they are count as one of the shuffles).
 *
 * @returns null where one of the groups has no pair of its own.
 */
export function evaluatedGap(
  pairs: readonly PairSides[],
  groups: readonly Label[],
  value: (pair: PairSides) => number,
  { draws, seed }: { draws: number; seed: number },
): Gap | null {
  const own = pairs.filter(
    ({ first, second }) => groups[first] !== "general" && groups[second] !== "general",
  );
  const prompts = [...new Set(own.flatMap(({ first, second }) => [first, second]))];
  const labels = prompts.map((i) => groups[i]!);
  const place = new Map(prompts.map((prompt, i) => [prompt, i]));
  const values = own.map(value);
  const all = values.reduce((sum, x) => sum + x, 0) / values.length;
  const gapOf = (of: readonly Label[]): number => {
    let [within, across, inside] = [0, 0, 0];
    for (const [i, { first, second }] of own.entries()) {
      const same = of[place.get(first)!] === of[place.get(second)!];
      if (same) inside++;
      if (same) within += values[i]!;
      else across += values[i]!;
    }
    return (within / inside - across / (own.length - inside)) / all;
  };
  const has = (group: Label) =>
    own.some(({ first, second }) => groups[first] === group && groups[second] === group);
  if (!has("toxic") || !has("seemingly_toxic")) return null;
  const found = gapOf(labels);
  const random = stream(seed, "bound", "labels");
  const chance = Array.from({ length: draws }, () => gapOf(shuffled(labels, random))).sort((a, b) => a - b);
  const quantile = (q: number) => chance[Math.round(q * (chance.length - 1))]!;
  const asFar = chance.filter((each) => Math.abs(each) >= Math.abs(found)).length;
  return {
    value: found,
    shuffled: {
      mean: chance.reduce((sum, x) => sum + x, 0) / draws,
      lower: quantile(0.025),
      upper: quantile(0.975),
      p: (asFar + 1) / (draws + 1),
    },
  };
}
