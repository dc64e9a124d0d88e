import { memoryTensor, type Parameter, type Weights } from "../../../src/engine/model/weights.ts";

/** Copies of all of a model's numbers, in float32. */
export async function numbersOf(weights: Weights): Promise<Map<string, Parameter>> {
  const numbers = new Map<string, Parameter>();
  for (const [name, tensor] of weights) {
    numbers.set(name, { shape: tensor.shape, data: Float32Array.from(await tensor.float32()) });
  }
  return numbers;
}

/** Weights that lie in memory, over the very arrays of `numbers`. */
export function inMemory(numbers: ReadonlyMap<string, Parameter>): Weights {
  return new Map([...numbers].map(([name, parameter]) => [name, memoryTensor(parameter)]));
}
