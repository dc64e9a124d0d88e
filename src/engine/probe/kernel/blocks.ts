/** Means of a kernel's norms over pairs of prompts within and between groups, with intervals and controls. */

import type { Label } from "../../../protocol/label.ts";
import { type KernelFigure, type KernelPairs, kernelPairs } from "../../../protocol/probe/kernel.ts";
import { drawCounts, percentileInterval, randomIndex } from "../../../statistics/bootstrap.ts";
import { shuffled, stream } from "../../../statistics/random.ts";

/** The prompts of a kernel, and how its intervals are drawn. */
export interface KernelDesign {
  readonly groups: readonly Label[];
  /** Counterparts, by index into `groups`. */
  readonly matched: readonly (readonly [toxic: number, seeminglyToxic: number])[];
  readonly draws: number;
  readonly seed: number;
}

type Matrix = readonly (readonly number[])[];
interface Ratios {
  readonly norm: Matrix;
  readonly ratio: Matrix;
  readonly symmetric: Matrix;
}

/**
 * The figures of one kernel.
 *
 * @param norm ‖K(x_i, x_j)‖_F, (n, n).
 * @param resampled the same of one resample of the random probes; `norm` itself where there are none.
 */
export function kernelFigure(
  norm: Float64Array,
  design: KernelDesign,
  resampled: ((random: (n: number) => number) => Float64Array) | null,
): KernelFigure {
  const found = ratios(norm, design.groups.length);
  return {
    norm: found.norm.map((row) => [...row]),
    ratio: found.ratio.map((row) => [...row]),
    symmetric: found.symmetric.map((row) => [...row]),
    blocks: blocksOf(found, design, resampled),
    ...controls(found.symmetric, design),
  };
}

function ratios(norm: Float64Array, n: number): Ratios {
  const matrix = (of: (i: number, j: number) => number) =>
    Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => of(i, j)));
  const at = (i: number, j: number) => norm[i * n + j]!;
  return {
    norm: matrix(at),
    ratio: matrix((i, j) => at(i, j) / at(i, i)),
    symmetric: matrix((i, j) => at(i, j) / Math.sqrt(at(i, i) * at(j, j))),
  };
}

/** Pairs i < j by where they are. */
export function pairsBetween({ groups, matched }: KernelDesign): Map<KernelPairs, [number, number][]> {
  const found = new Map<KernelPairs, [number, number][]>(kernelPairs.map((between) => [between, []]));
  const isMatched = new Set(matched.map(([a, b]) => `${Math.min(a, b)} ${Math.max(a, b)}`));
  for (let i = 0; i < groups.length; i++) {
    for (let j = i + 1; j < groups.length; j++) {
      const [a, b] = [groups[i]!, groups[j]!];
      const between = isMatched.has(`${i} ${j}`)
        ? "matched"
        : (kernelPairs.find((each) => each === `${a} × ${b}` || each === `${b} × ${a}`) ?? "matched");
      found.get(between)!.push([i, j]);
    }
  }
  return found;
}

function blocksOf(
  found: Ratios,
  design: KernelDesign,
  resampled: ((random: (n: number) => number) => Float64Array) | null,
): KernelFigure["blocks"] {
  const { groups, draws, seed } = design;
  const n = groups.length;
  const between = [...pairsBetween(design)].filter(([, pairs]) => pairs.length > 0);
  const random = randomIndex(seed);
  const drawn = between.map(() => ({
    norm: [] as number[],
    ratio: [] as number[],
    symmetric: [] as number[],
  }));
  const byGroup = Map.groupBy(groups.keys(), (i) => groups[i]!);
  for (let draw = 0; draw < draws; draw++) {
    // Prompts are drawn within their groups, and with them all their pairs.
    const weights = new Float64Array(n);
    for (const own of byGroup.values()) {
      const counts = drawCounts(random, own.length);
      for (const [at, i] of own.entries()) weights[i] = counts[at]!;
    }
    const now = resampled ? ratios(resampled(random), n) : found;
    for (const [b, [, pairs]] of between.entries()) {
      for (const which of ["norm", "ratio", "symmetric"] as const) {
        drawn[b]![which].push(meanOver(now[which], pairs, weights));
      }
    }
  }
  const ones = new Float64Array(n).fill(1);
  return between.map(([name, pairs], b) => {
    const estimate = (which: keyof Ratios) => {
      const { lower, upper } = percentileInterval(drawn[b]![which]) ?? {
        lower: Number.NaN,
        upper: Number.NaN,
      };
      return { value: meanOver(found[which], pairs, ones), lower, upper };
    };
    return {
      between: name,
      pairs: pairs.length,
      norm: estimate("norm"),
      ratio: estimate("ratio"),
      symmetric: estimate("symmetric"),
    };
  });
}

/** The mean of both orders of pairs, each pair as often as its two prompts were drawn together. */
function meanOver(
  matrix: Matrix,
  pairs: readonly (readonly [number, number])[],
  weights: Float64Array,
): number {
  let [sum, total] = [0, 0];
  for (const [i, j] of pairs) {
    const weight = weights[i]! * weights[j]!;
    sum += (weight * (matrix[i]![j]! + matrix[j]![i]!)) / 2;
    total += weight;
  }
  return sum / total;
}

/** Contrasts between blocks beside shuffled labels, and matched pairs beside permuted ones. */
function controls(
  symmetric: Matrix,
  { groups, matched, draws, seed }: KernelDesign,
): Pick<KernelFigure, "contrast" | "spill" | "matched"> {
  const partner = new Map(matched.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
  const own = (...labels: Label[]) => [...groups.keys()].filter((i) => labels.includes(groups[i]!));
  const counts = (label: Label) => own(label).length;
  const mean = (prompts: readonly number[], takes: (a: number, b: number) => boolean) => {
    let [sum, total] = [0, 0];
    for (const [at, i] of prompts.entries()) {
      for (const j of prompts.slice(at + 1)) {
        if (partner.get(i) === j || !takes(i, j)) continue;
        sum += symmetric[i]![j]!;
        total++;
      }
    }
    return sum / total;
  };
  const shuffledLabels = (
    prompts: readonly number[],
    name: string,
    statistic: (labels: ReadonlyMap<number, Label>) => number,
  ) => {
    const labels = prompts.map((i) => groups[i]!);
    const random = stream(seed, "kernel probe", name);
    const of = (all: readonly Label[]) => statistic(new Map(prompts.map((i, at) => [i, all[at]!])));
    const value = of(labels);
    return tested(
      value,
      draws,
      () => of(shuffled(labels, random)),
      (x) => Math.abs(x) >= Math.abs(value),
    );
  };
  const both = own("toxic", "seemingly_toxic");
  const others = own("seemingly_toxic", "general");
  const toxic = own("toxic");
  return {
    contrast:
      counts("toxic") < 2 || counts("seemingly_toxic") < 2
        ? null
        : shuffledLabels(
            both,
            "labels",
            (labels) =>
              mean(both, (i, j) => labels.get(i) === labels.get(j)) -
              mean(both, (i, j) => labels.get(i) !== labels.get(j)),
          ),
    spill:
      toxic.length === 0 || counts("seemingly_toxic") === 0 || counts("general") === 0
        ? null
        : shuffledLabels(others, "spill", (labels) => {
            const across = (label: Label) =>
              meanAcross(symmetric, toxic, others, partner, (j) => labels.get(j) === label);
            return across("seemingly_toxic") - across("general");
          }),
    matched: matched.length < 2 ? null : permutedCounterparts(symmetric, matched, draws, seed),
  };
}

function meanAcross(
  symmetric: Matrix,
  rows: readonly number[],
  columns: readonly number[],
  partner: ReadonlyMap<number, number>,
  takes: (column: number) => boolean,
): number {
  let [sum, total] = [0, 0];
  for (const i of rows) {
    for (const j of columns) {
      if (!takes(j) || partner.get(i) === j) continue;
      sum += symmetric[i]![j]!;
      total++;
    }
  }
  return sum / total;
}

function permutedCounterparts(
  symmetric: Matrix,
  matched: KernelDesign["matched"],
  draws: number,
  seed: number,
) {
  const counterparts = matched.map(([, j]) => j);
  const random = stream(seed, "kernel probe", "counterparts");
  const of = (all: readonly number[]) =>
    matched.reduce((sum, [i], at) => sum + symmetric[i]![all[at]!]!, 0) / matched.length;
  const value = of(counterparts);
  return tested(
    value,
    draws,
    () => of(shuffled(counterparts, random)),
    (x) => x >= value,
  );
}

/** A statistic beside its draws by chance. The data as they are count as one draw (Phipson and Smyth 2010), so that p is never 0. */
function tested(value: number, draws: number, draw: () => number, isAsFar: (drawn: number) => boolean) {
  const all = Array.from({ length: draws }, draw).filter(Number.isFinite);
  const { lower, upper } = percentileInterval(all) ?? { lower: Number.NaN, upper: Number.NaN };
  return {
    value,
    chance: {
      mean: all.reduce((sum, each) => sum + each, 0) / all.length,
      lower,
      upper,
      p: (all.filter(isAsFar).length + 1) / (all.length + 1),
    },
  };
}
