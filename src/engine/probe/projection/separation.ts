import type { Separation } from "../../../protocol/probe/projection.ts";
import { normal, shuffled, stream } from "../../../statistics/random.ts";
import type { Features } from "../../backend/backend.ts";

/** Points of a picture: two lists (n). */
export interface Points {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
}

/** What chance is measured with. */
export interface Chance {
  readonly draws: number;
  readonly seed: number;
}

/** Share of the variance of columns (n each) that lies between groups of rows: Σ nₖ‖mₖ − m‖² over Σ‖x − m‖². NaN without variance. */
export function betweenShare(columns: readonly ArrayLike<number>[], groups: readonly string[]): number {
  let [between, total] = [0, 0];
  for (const column of columns) {
    const sums = new Map<string, { sum: number; count: number }>();
    let [sum, squares] = [0, 0];
    const middle = column[0] ?? 0;
    for (const [i, group] of groups.entries()) {
      const value = column[i]! - middle;
      sum += value;
      squares += value * value;
      const own = sums.get(group) ?? { sum: 0, count: 0 };
      sums.set(group, { sum: own.sum + value, count: own.count + 1 });
    }
    const mean = sum / groups.length;
    total += squares - groups.length * mean * mean;
    for (const own of sums.values()) between += own.count * (own.sum / own.count - mean) ** 2;
  }
  return total > 0 ? between / total : Number.NaN;
}

/** {@link betweenShare} of whole features. */
export function betweenShareOfFeatures({ count, width, data }: Features, groups: readonly string[]): number {
  const column = (c: number) => Float64Array.from({ length: count }, (_, i) => data[i * width + c]!);
  return betweenShare(
    Array.from({ length: width }, (_, c) => column(c)),
    groups,
  );
}

/**
 * Mean silhouette of groups by Euclidean distance in a picture (Rousseeuw 1987); a point that is alone in its group counts 0.
 * Cost: n² distances.
 */
export function silhouette({ x, y }: Points, groups: readonly string[]): number {
  const names = [...new Set(groups)];
  if (names.length < 2) return Number.NaN;
  const group = groups.map((name) => names.indexOf(name));
  const sizes = names.map((_, k) => group.filter((own) => own === k).length);
  let sum = 0;
  for (const [i, own] of group.entries()) {
    if (sizes[own] === 1) continue;
    const distances = new Float64Array(names.length);
    for (let j = 0; j < group.length; j++)
      distances[group[j]!]! += Math.sqrt((x[i]! - x[j]!) ** 2 + (y[i]! - y[j]!) ** 2);
    const within = distances[own]! / (sizes[own]! - 1);
    let nearest = Number.POSITIVE_INFINITY;
    for (const [k, size] of sizes.entries()) if (k !== own) nearest = Math.min(nearest, distances[k]! / size);
    const greater = Math.max(within, nearest);
    sum += greater > 0 ? (nearest - within) / greater : 0;
  }
  return sum / group.length;
}

/** A figure of labels beside the same figure of shuffled ones. */
export function besideShuffled(
  groups: readonly string[],
  figure: (groups: readonly string[]) => number,
  { draws, seed }: Chance,
): Separation {
  const random = stream(seed, "projection", "labels");
  const chance = Array.from({ length: draws }, () => figure(shuffled(groups, random)));
  return { value: figure(groups), shuffled: spread(chance), random: null };
}

/** {@link betweenShare} on as many random planes as there are draws: two orthonormal directions each, drawn uniformly. */
export function randomPlanes(
  features: Features,
  groups: readonly string[],
  { draws, seed }: Chance,
): { mean: number; highest: number } {
  const random = stream(seed, "projection", "directions");
  const found = Array.from({ length: draws }, () => {
    const [first, other] = [normal(features.width, random), normal(features.width, random)];
    const along = dot(first, other) / dot(first, first);
    const second = other.map((value, c) => value - along * first[c]!);
    return betweenShare(
      [first, second].map((direction) => {
        const length = Math.sqrt(dot(direction, direction));
        return projected(
          features,
          direction.map((value) => value / length),
        );
      }),
      groups,
    );
  });
  return spread(found);
}

function projected({ count, width, data }: Features, direction: Float64Array): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let c = 0; c < width; c++) sum += data[i * width + c]! * direction[c]!;
    return sum;
  });
}

function spread(values: readonly number[]): { mean: number; highest: number } {
  return {
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    highest: values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY),
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
