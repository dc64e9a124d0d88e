import type { Backend, Tokens } from "../backend/backend.ts";

/** Prompts that are run at a time, so that no more activations or distributions are in memory at once. */
const chunkSize = 32;

/** Items a few at a time, so that no more activations or distributions are in memory at once. */
export function* chunks<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += chunkSize) yield items.slice(start, start + chunkSize);
}

/** Means of activations: by position and by layer one vector (C) in float64. */
export type Means = readonly (readonly Float64Array[])[];

/**
 * Mean hidden states of several sets of the same prompts, which one pass runs once.
 *
 * @param positions counted from the end of each prompt: negative, ascending.
 * @param layers ℓ as in `Backend.features`.
 * @param sets prompts of each set by index; a prompt may be in several.
 * @returns for each set [position][layer], layers in the order given; NaN of an empty set.
 */
export async function meansOfSets(
  backend: Backend,
  prompts: readonly Tokens[],
  { positions, layers }: { readonly positions: readonly number[]; readonly layers: readonly number[] },
  sets: readonly (readonly number[])[],
): Promise<Means[]> {
  const { hiddenSize } = backend.shape;
  const sums = sets.map(() => positions.map(() => layers.map(() => new Float64Array(hiddenSize))));
  const setsOf = prompts.map(() => [] as number[]);
  for (const [s, set] of sets.entries()) for (const i of set) setsOf[i]!.push(s);
  let before = 0;
  for (const chunk of chunks(prompts)) {
    const places = chunk.map((ids) => positions.map((position) => ids.length + position));
    const found = await backend.features(chunk, { layers, pooling: { positions: places } });
    for (const [at, layer] of layers.entries()) {
      const { data, width } = found.get(layer)!;
      for (let row = 0; row < chunk.length * positions.length; row++) {
        for (const s of setsOf[before + Math.floor(row / positions.length)]!) {
          const sum = sums[s]![row % positions.length]![at]!;
          for (let c = 0; c < width; c++) sum[c]! += data[row * width + c]!;
        }
      }
    }
    before += chunk.length;
  }
  return sums.map((of, s) => of.map((each) => each.map((sum) => sum.map((x) => x / sets[s]!.length))));
}

/** Mean block inputs of prompts at positions counted from their ends. @returns [position][layer], layers from 0. */
export async function meanActivations(
  backend: Backend,
  prompts: readonly Tokens[],
  positions: readonly number[],
): Promise<Means> {
  const layers = [...Array(backend.shape.layers).keys()];
  const [means] = await meansOfSets(backend, prompts, { positions, layers }, [[...prompts.keys()]]);
  return means!;
}

/** a − b. */
export function differences(a: Means, b: Means): Means {
  return a.map((layers, p) => layers.map((mean, layer) => mean.map((x, c) => x - b[p]![layer]![c]!)));
}
