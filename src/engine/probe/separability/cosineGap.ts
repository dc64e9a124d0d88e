import { jackknifeError } from "../../../statistics/jackknife.ts";
import type { Features } from "../../backend/backend.ts";

/**
 * Mean cosine within the groups minus mean cosine between them; 2 at the most, 0 where the groups are mingled. A row of zeros has cosine
 * 0 with every other. By sums of unit vectors, so its cost is n·C and not n²·C.
 */
export function separation(features: Features, labels: readonly string[]): number {
  return gap(sumsOf(unitRows(features, null), features, labels).sums);
}

/** A figure with its jackknife error over groups. */
export interface Jackknifed {
  readonly value: number;
  /** NaN where it was not asked for, or there are fewer than two groups. */
  readonly standardError: number;
}

/**
 * {@link separation} of features from which the mean of the groups' means is subtracted, as the contrastive stage sees them.
 *
 * @param groupOf number of each prompt's group of the jackknife, which takes the centre as given; no error where left out.
 */
export function centredSeparation(
  features: Features,
  labels: readonly string[],
  groupOf?: readonly number[],
): Jackknifed {
  const units = unitRows(features, centreOf(features, labels));
  const { sums, byName } = sumsOf(units, features, labels);
  const value = gap(sums);
  if (groupOf === undefined) return { value, standardError: Number.NaN };
  const without = [...Map.groupBy([...labels.keys()], (i) => groupOf[i]!).values()].map((members) => {
    const left = sums.map(({ sum, square, count }) => ({ sum: sum.slice(), square, count }));
    for (const i of members) add(left[byName.get(labels[i]!)!]!, units, features.width, i, -1);
    return gap(left);
  });
  return { value, standardError: jackknifeError(without.filter(Number.isFinite)) };
}

/** The sum of a group's unit vectors, with the sum of their squared lengths (each 1, or 0 for a row of zeros). */
interface UnitSum {
  sum: Float64Array;
  square: number;
  count: number;
}

/** By Σ_{i<j} u_i·u_j = (‖Σu‖² − Σ‖u‖²)/2, within the groups and over all rows. */
function gap(groups: readonly UnitSum[]): number {
  const squared = (sum: Float64Array) => sum.reduce((total, x) => total + x * x, 0);
  const pairs = (n: number) => (n * (n - 1)) / 2;
  const total = new Float64Array(groups[0]?.sum.length ?? 0);
  let [within, squares, pairsWithin, n] = [0, 0, 0, 0];
  for (const { sum, square, count } of groups) {
    within += (squared(sum) - square) / 2;
    squares += square;
    pairsWithin += pairs(count);
    n += count;
    for (let k = 0; k < total.length; k++) total[k]! += sum[k]!;
  }
  const across = (squared(total) - squares) / 2 - within;
  return within / Math.max(1, pairsWithin) - across / Math.max(1, pairs(n) - pairsWithin);
}

function sumsOf(units: Float64Array, { width }: Features, labels: readonly string[]) {
  const byName = new Map([...new Set(labels)].map((label, k) => [label, k]));
  const sums = Array.from(byName, () => ({ sum: new Float64Array(width), square: 0, count: 0 }));
  for (const [i, label] of labels.entries()) add(sums[byName.get(label)!]!, units, width, i, 1);
  return { sums, byName };
}

function add(to: UnitSum, units: Float64Array, width: number, row: number, sign: 1 | -1): void {
  let square = 0;
  for (let k = 0; k < width; k++) {
    const x = units[row * width + k]!;
    to.sum[k]! += sign * x;
    square += x * x;
  }
  to.square += sign * square;
  to.count += sign;
}

/** Rows of length one, (n, C), after the centre is subtracted. */
function unitRows({ count, width, data }: Features, centre: Float64Array | null): Float64Array {
  const units = new Float64Array(count * width);
  for (let i = 0; i < count; i++) {
    let square = 0;
    for (let k = 0; k < width; k++) {
      const x = data[i * width + k]! - (centre?.[k] ?? 0);
      units[i * width + k] = x;
      square += x * x;
    }
    const length = Math.sqrt(square) || 1;
    for (let k = 0; k < width; k++) units[i * width + k]! /= length;
  }
  return units;
}

/** The mean of the groups' means, (C): groups weigh alike however large they are. */
function centreOf({ width, data }: Features, labels: readonly string[]): Float64Array {
  const centre = new Float64Array(width);
  const groups = Map.groupBy([...labels.keys()], (i) => labels[i]!);
  for (const members of groups.values()) {
    const weight = 1 / (members.length * groups.size);
    for (const i of members) for (let k = 0; k < width; k++) centre[k]! += weight * data[i * width + k]!;
  }
  return centre;
}
