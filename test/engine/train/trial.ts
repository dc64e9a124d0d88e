import type { Backend, Example } from "../../../src/engine/backend/backend.ts";
import type { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import type { Objective } from "../../../src/engine/train/objective.ts";
import { SupervisedObjective } from "../../../src/engine/train/supervised.ts";
import { type TrainingOptions, TrainingStage } from "../../../src/engine/train/trainingStage.ts";
import type { OptimiserRecipe } from "../../../src/protocol/recipeStages.ts";
import { numbersOf } from "../model/numbers.ts";

export const optimiser: OptimiserRecipe = {
  learningRate: 1e-2,
  betas: [0.9, 0.999],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
  warmup: 2,
  schedule: "cosine",
};

export const lora = { method: "lora", rank: 4, alpha: 8, dropout: 0, targets: "all-linear" } as const;
export const full = { method: "full", embeddings: false } as const;

/**
 * n examples of growing length over the 160 tokens of the tiny models. All prompts begin alike; the first token of an
 * answer is 100 plus the example's number.
 */
export function examples(n: number): Example[] {
  return Array.from({ length: n }, (_, i) => {
    const prompt = [3, 4, 5, ...Array.from({ length: 2 + (i % 5) }, (_, t) => 6 + ((7 * i + 3 * t) % 60))];
    const answer = [100 + i, ...Array.from({ length: 1 + i }, (_, t) => 70 + ((5 * i + t) % 25)), 1];
    return { ids: [...prompt, ...answer], promptLength: prompt.length };
  });
}

export function supervised(overrides: Partial<ConstructorParameters<typeof SupervisedObjective>[1]> = {}) {
  return new SupervisedObjective(
    { general: examples(12), safety: examples(20).slice(12) },
    {
      seed: 1,
      batchSize: 4,
      accumulate: 1,
      safetyRatio: 0.25,
      maskPrompt: true,
      ...overrides,
    },
  );
}

export function trainer(backend: Backend, objective: Objective, options: Partial<TrainingOptions> = {}) {
  return TrainingStage.create(backend, objective, { steps: 6, seed: 1, train: lora, optimiser, ...options });
}

/** The losses of so many steps. */
export async function losses(stage: TrainingStage, steps: number): Promise<number[]> {
  const found: number[] = [];
  while (found.length < steps) found.push((await stage.next()).loss);
  return found;
}

/** Copies of all of a model's weights. */
export async function snapshot({ weights }: LiveModel): Promise<Map<string, Float32Array>> {
  return new Map([...(await numbersOf(weights))].map(([name, { data }]) => [name, data]));
}

/** Names of the weights that are no longer what they were, to the bit. */
export async function changed(
  { weights }: LiveModel,
  before: ReadonlyMap<string, Float32Array>,
): Promise<string[]> {
  return [...(await numbersOf(weights))].flatMap(([name, { data }]) => {
    const old = before.get(name);
    return old && Buffer.from(old.buffer).equals(bytes(data)) ? [] : [name];
  });
}

function bytes({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Largest difference between two arrays. */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Math.max(0, ...Array.from(a, (x, i) => Math.abs(x - b[i])));
}
