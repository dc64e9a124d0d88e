import { normal, shuffled, stream } from "../../../statistics/random.ts";
import type { Backend, Tokens } from "../../backend/backend.ts";
import { meansOfSets } from "../meanActivations.ts";

/** Directions at one layer, each as long as the refusal direction, and the scale of what is projected on them. */
export interface LayerDirections {
  /** The middle between the two groups' means, (C). */
  readonly middle: Float64Array;
  /** r = mean of toxic − mean of other prompts (Arditi et al. 2024), (C). */
  readonly refusal: Float64Array;
  /** ‖r‖, the distance between the means. */
  readonly distance: number;
  /** Gaussian directions, (C) each. */
  readonly random: readonly Float64Array[];
  /** Differences of means of shuffled labels, (C) each. */
  readonly shuffled: readonly Float64Array[];
  /** Mean length of those before they were scaled, over ‖r‖. */
  readonly shuffledLength: number;
}

/**
 * Fits directions at layers 1 … L on the last token of each prompt.
 *
 * @param draws random directions, and draws of shuffled labels; the same for every model and state.
 */
export async function fitDirections(
  backend: Backend,
  { toxic, against }: { readonly toxic: readonly Tokens[]; readonly against: readonly Tokens[] },
  { draws, seed }: { readonly draws: number; readonly seed: number },
): Promise<LayerDirections[]> {
  const { layers: count, hiddenSize } = backend.shape;
  const layers = Array.from({ length: count }, (_, i) => i + 1);
  const prompts = [...toxic, ...against];
  const all = [...prompts.keys()];
  const halves = (order: readonly number[]) => [order.slice(0, toxic.length), order.slice(toxic.length)];
  const sets = [
    ...halves(all),
    ...Array.from({ length: draws }, (_, d) =>
      halves(shuffled(all, stream(seed, "tokens", "labels", d))),
    ).flat(),
  ];
  const means = (await meansOfSets(backend, prompts, { positions: [-1], layers }, sets)).map(([own]) => own!);
  return layers.map((layer, at) => {
    const differenceOf = (k: number) => means[2 * k]![at]!.map((x, c) => x - means[2 * k + 1]![at]![c]!);
    const refusal = differenceOf(0);
    const distance = norm(refusal);
    const drawn = Array.from({ length: draws }, (_, d) => differenceOf(d + 1));
    return {
      middle: means[0]![at]!.map((x, c) => (x + means[1]![at]![c]!) / 2),
      refusal,
      distance,
      random: Array.from({ length: draws }, (_, d) =>
        withLength(normal(hiddenSize, stream(seed, "tokens", "random", layer, d)), distance),
      ),
      shuffled: drawn.map((each) => withLength(each, distance)),
      shuffledLength: drawn.reduce((sum, each) => sum + norm(each), 0) / (draws * distance),
    };
  });
}

/**
 * Projections of hidden states, in units of half the distance between the groups' means: +1 is the mean of toxic prompts, −1 that of the
 * others.
 *
 * @param states (n, C) row-major.
 * @param direction (C), as long as the refusal direction.
 */
export function project(
  states: Float32Array,
  { middle, distance }: Pick<LayerDirections, "middle" | "distance">,
  direction: Float64Array,
): number[] {
  const width = direction.length;
  const offset = dot(middle, 0, direction);
  return Array.from(
    { length: states.length / width },
    (_, row) => (dot(states, row * width, direction) - offset) / (distance ** 2 / 2),
  );
}

/** The cosine of two directions; NaN where one has no length. */
export function cosine(a: Float64Array, b: Float64Array): number {
  return dot(a, 0, b) / (norm(a) * norm(b));
}

function dot(a: Float64Array | Float32Array, from: number, b: Float64Array): number {
  let sum = 0;
  for (let c = 0; c < b.length; c++) sum += a[from + c]! * b[c]!;
  return sum;
}

function norm(a: Float64Array): number {
  return Math.sqrt(dot(a, 0, a));
}

function withLength(vector: Float64Array, length: number): Float64Array {
  const factor = length / norm(vector);
  return vector.map((x) => x * factor);
}
