import { jackknifeError } from "../../../statistics/jackknife.ts";
import type { Jackknifed } from "./cosineGap.ts";
import type { Kernel } from "./ridge.ts";

/** How far groups lie apart among standardised features, from the kernel Z·Zᵀ/C of all prompts alone. */
export interface Scatter {
  /** tr(S_B)/tr(S_W): variance between the groups' means over variance within the groups, both weighted by their sizes. */
  readonly fisher: number;
  /** Mean silhouette by Euclidean distance (Rousseeuw 1987), 0 for a group of one. */
  readonly silhouette: number;
}

/** Kernel and distances of the same prompts, worked out once for all labellings. */
export class Scattered {
  private readonly kernel: Kernel;
  /** Euclidean distances, (n, n). */
  private readonly distances: Float32Array;

  constructor(kernel: Kernel) {
    const { size: n, data } = kernel;
    this.kernel = kernel;
    this.distances = new Float32Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        const square = data[i * n + i]! + data[j * n + j]! - 2 * data[i * n + j]!;
        const distance = Math.sqrt(Math.max(0, square));
        this.distances[i * n + j] = distance;
        this.distances[j * n + i] = distance;
      }
    }
  }

  /** Fisher ratio and silhouette of a labelling. */
  of(labels: readonly string[]): Scatter {
    const groups = numbered(labels);
    return { fisher: fisherRatio(this.blocks(groups)), silhouette: this.silhouette(groups) };
  }

  /**
   * The same with jackknife errors over groups of prompts, which take standardisation as given.
   *
   * @param groupOf number of each prompt's group.
   */
  withErrors(labels: readonly string[], groupOf: readonly number[]): Record<keyof Scatter, Jackknifed> {
    const groups = numbered(labels);
    const blocks = this.blocks(groups);
    const distances = rowSums(this.distances, groups);
    const units = [...Map.groupBy([...labels.keys()], (i) => groupOf[i]!).values()];
    const error = (without: (members: readonly number[]) => number) =>
      jackknifeError(units.map(without).filter(Number.isFinite));
    return {
      fisher: {
        value: fisherRatio(blocks),
        standardError: error((members) => fisherRatio(this.blocksWithout(blocks, groups, members))),
      },
      silhouette: {
        value: silhouetteOf(distances, groups),
        standardError: error((members) => this.silhouetteWithout(distances, groups, members)),
      },
    };
  }

  private silhouette(groups: Numbered): number {
    return silhouetteOf(rowSums(this.distances, groups), groups);
  }

  private blocks(groups: Numbered): Blocks {
    const { of, count } = groups;
    const { size: n, data } = this.kernel;
    const rows = rowSums(data, groups);
    const blocks: Blocks = {
      rows,
      sums: new Float64Array(count * count),
      traces: new Float64Array(count),
      sizes: new Float64Array(count),
    };
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < count; k++) blocks.sums[of[i]! * count + k]! += rows[i * count + k]!;
      blocks.traces[of[i]!]! += data[i * n + i]!;
      blocks.sizes[of[i]!]! += 1;
    }
    return blocks;
  }

  private blocksWithout(
    { rows, ...all }: Blocks,
    { of, count }: Numbered,
    members: readonly number[],
  ): Blocks {
    const { size: n, data } = this.kernel;
    const [sums, traces, sizes] = [all.sums.slice(), all.traces.slice(), all.sizes.slice()];
    for (const i of members) {
      const own = of[i]!;
      for (let k = 0; k < count; k++) {
        sums[own * count + k]! -= rows[i * count + k]!;
        sums[k * count + own]! -= rows[i * count + k]!;
      }
      for (const j of members) sums[own * count + of[j]!]! += data[i * n + j]!;
      traces[own]! -= data[i * n + i]!;
      sizes[own]! -= 1;
    }
    return { rows, sums, traces, sizes };
  }

  private silhouetteWithout(sums: Float64Array, groups: Numbered, members: readonly number[]): number {
    const { of, count } = groups;
    const n = of.length;
    const left = sums.slice();
    for (const j of members) {
      for (let i = 0; i < n; i++) left[i * count + of[j]!]! -= this.distances[i * n + j]!;
    }
    return silhouetteOf(left, groups, new Set(members));
  }
}

/** Sums of kernel entries between groups (K, K), traces within them and their sizes (K); and of each row by group, (n, K). */
interface Blocks {
  readonly rows: Float64Array;
  readonly sums: Float64Array;
  readonly traces: Float64Array;
  readonly sizes: Float64Array;
}

function fisherRatio({ sums, traces, sizes }: Blocks): number {
  const count = sizes.length;
  let [n, trace, all, withinMeans] = [0, 0, 0, 0];
  for (let k = 0; k < count; k++) {
    if (sizes[k] === 0) return Number.NaN;
    n += sizes[k]!;
    trace += traces[k]!;
    withinMeans += sums[k * count + k]! / sizes[k]!;
    for (let other = 0; other < count; other++) all += sums[k * count + other]!;
  }
  const within = (trace - withinMeans) / n;
  const total = trace / n - all / n ** 2;
  return (total - within) / within;
}

/** @param sums of each row's distances by group, (n, K). @param without prompts that are left out. */
function silhouetteOf(
  sums: Float64Array,
  { of, count }: Numbered,
  without: ReadonlySet<number> = new Set(),
): number {
  const sizes = new Float64Array(count);
  for (const [i, k] of of.entries()) if (!without.has(i)) sizes[k]! += 1;
  if (sizes.some((size) => size === 0)) return Number.NaN;
  let [total, n] = [0, 0];
  for (const [i, own] of of.entries()) {
    if (without.has(i)) continue;
    n += 1;
    if (sizes[own] === 1) continue;
    const inside = sums[i * count + own]! / (sizes[own]! - 1);
    let outside = Number.POSITIVE_INFINITY;
    for (let k = 0; k < count; k++) {
      if (k !== own) outside = Math.min(outside, sums[i * count + k]! / sizes[k]!);
    }
    total += (outside - inside) / (Math.max(inside, outside) || 1);
  }
  return total / n;
}

/** Labels as numbers 0 … K − 1. */
interface Numbered {
  readonly of: readonly number[];
  readonly count: number;
}

function numbered(labels: readonly string[]): Numbered {
  const names = new Map([...new Set(labels)].map((label, k) => [label, k]));
  return { of: labels.map((label) => names.get(label)!), count: names.size };
}

/** Sums of each row of a symmetric (n, n) matrix over the columns of each group, (n, K). */
function rowSums(matrix: Float32Array, { of, count }: Numbered): Float64Array {
  const n = of.length;
  const sums = new Float64Array(n * count);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) sums[i * count + of[j]!]! += matrix[i * n + j]!;
  }
  return sums;
}
