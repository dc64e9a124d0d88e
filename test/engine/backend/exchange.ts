import { expect } from "vitest";
import type {
  AnswersBatch,
  Backend,
  Example,
  Trainer,
  TrainerSpec,
} from "../../../src/engine/backend/backend.ts";
import type { TrainRecipe } from "../../../src/protocol/recipeStages.ts";

/** What is trained, and for how long before and after the checkpoint. */
export interface ExchangeOptions {
  readonly train: TrainRecipe;
  /** A step takes up to four of them. */
  readonly examples: readonly Example[];
  /** Tokens that all begin with. */
  readonly shared: number;
  readonly steps: number;
}

interface Pair<T> {
  readonly onnx: T;
  readonly torch: T;
}

/**
 * Trains on both backends, has each resume the other's checkpoint and train on.
 *
 * @returns the trainers, and by how much losses after the exchange differ at most from those without it.
 */
export async function exchanged(
  { onnx, torch }: Pair<Backend>,
  { train, examples, shared, steps }: ExchangeOptions,
): Promise<{ readonly trainers: Pair<Trainer>; readonly apart: number }> {
  const batch = (step: number): AnswersBatch => {
    const rows = examples.slice(step % 4, 4 + (step % 4));
    const answers = rows.reduce((sum, { ids, promptLength }) => sum + ids.length - promptLength, 0);
    return { kind: "answers", examples: rows, maskPrompt: true, weight: 1 / answers, shared };
  };
  const stepped = async (trainer: Trainer, from: number) => {
    const losses: number[] = [];
    for (let step = from; step < from + steps; step++) {
      losses.push((await trainer.backward([batch(step)])).loss);
      await trainer.update(2e-3, 1);
    }
    return losses;
  };
  const trained = async (backend: Backend) => {
    const optimiser: TrainerSpec["optimiser"] = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.1 };
    const trainer = await backend.createTrainer({ train, optimiser, seed: 9, kinds: [batch(0)] });
    await stepped(trainer, 0);
    return { trainer, saved: await trainer.save(), after: await stepped(trainer, steps) };
  };
  const [ours, others] = [await trained(onnx), await trained(torch)];
  expect([...others.saved.keys()].sort()).toEqual([...ours.saved.keys()].sort());
  await ours.trainer.restore(others.saved, steps);
  await others.trainer.restore(ours.saved, steps);
  const resumed = [await stepped(ours.trainer, steps), await stepped(others.trainer, steps)];
  const apart = resumed.flatMap((losses) => losses.map((loss, i) => Math.abs(loss - ours.after[i]!)));
  return { trainers: { onnx: ours.trainer, torch: others.trainer }, apart: Math.max(...apart) };
}
