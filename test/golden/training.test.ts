import { describe, expect, it } from "vitest";
import type { Backend } from "../../src/engine/backend/backend.ts";
import { openBackend } from "../../src/engine/backend/open.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { logProbabilities } from "../../src/engine/probe/preferenceLoss.ts";
import { ContrastBatches } from "../../src/engine/train/contrastBatches.ts";
import type { Objective } from "../../src/engine/train/objective.ts";
import { PreferenceObjective } from "../../src/engine/train/preference.ts";
import { SupervisedObjective } from "../../src/engine/train/supervised.ts";
import { TrainingStage } from "../../src/engine/train/trainingStage.ts";
import { WithContrast } from "../../src/engine/train/withContrast.ts";
import { goldenPath, readGolden } from "./golden.ts";

interface Step {
  loss: number;
  margin: number;
  contrast: number;
  gradient_norms: number[];
}
interface Expected {
  model: string;
  learning_rate: number;
  weight_decay: number;
  prompts: number[][];
  chosen: number[][];
  rejected: number[][];
  preferences: { beta: number; label_smoothing: number; steps: Step[] }[];
  groups: number[][];
  labels: number[];
  contrast: { layer: number; margin: number; gamma: number; weight: number; steps: Step[] };
}

const golden = readGolden<Expected>("training.json");
const examples = (answers: readonly number[][]) =>
  answers.map((answer, i) => {
    const prompt = golden.prompts[i]!;
    return { ids: [...prompt, ...answer], promptLength: prompt.length };
  });
const [chosen, rejected] = [examples(golden.chosen), examples(golden.rejected)];
const pairs = chosen.map((each, i) => ({ chosen: each, rejected: rejected[i]! }));

/** Runs steps beside PyTorch's; once more the first step for each block alone, whose gradient norm is then its own. */
async function compare(objectiveOn: (backend: Backend) => Promise<Objective>, steps: readonly Step[]) {
  const open = async (layers?: [number, number]) => {
    const { backend } = await openBackend(
      { device: "cpu", threads: 1 },
      await loadModel(goldenPath("tiny", golden.model)),
    );
    const stage = await TrainingStage.create(backend, await objectiveOn(backend), {
      steps: steps.length,
      seed: 0,
      train: { method: "full", embeddings: false, ...(layers && { layers }) },
      optimiser: {
        learningRate: golden.learning_rate,
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        weightDecay: golden.weight_decay,
        clip: null,
        warmup: 0,
        schedule: "constant",
      },
    });
    return { backend, stage };
  };
  for (const [layer, norm] of steps[0]!.gradient_norms.entries()) {
    const { backend, stage } = await open([layer, layer + 1]);
    const report = await stage.next();
    expect(report.gradientNorm / norm).toBeCloseTo(1, 4);
    await backend.dispose();
  }
  const { backend, stage } = await open();
  for (const expected of steps) {
    const report = await stage.next();
    expect(report.loss).toBeCloseTo(expected.loss, 4);
    if (expected.margin !== undefined) expect(report.margin).toBeCloseTo(expected.margin, 4);
    if (expected.contrast !== undefined) expect(report.contrast).toBeCloseTo(expected.contrast, 3);
    expect(report.gradientNorm / Math.hypot(...expected.gradient_norms)).toBeCloseTo(1, 3);
  }
  await backend.dispose();
}

describe("preference tuning repeats PyTorch's steps", () => {
  const all = golden.preferences.flatMap((each) => [
    { ...each, batchSize: pairs.length, accumulate: 1 },
    { ...each, batchSize: pairs.length / 2, accumulate: 2 },
  ]);
  it.each(all)(
    "with β $beta, ε $label_smoothing, in $accumulate micro-batches",
    async ({ beta, label_smoothing: labelSmoothing, steps, batchSize, accumulate }) => {
      const options = { seed: 0, beta, labelSmoothing, batchSize, accumulate, safetyRatio: 0.5 };
      await compare(async (backend) => {
        const reference = await logProbabilities(backend, pairs);
        const known = pairs.map((pair, i) => ({ ...pair, reference: reference[i]! }));
        const halves = { helpful: known.slice(0, 2), safety: known.slice(2) };
        return new PreferenceObjective(backend, halves, options);
      }, steps);
    },
  );
});

it("safety tuning with a contrast kept on repeats PyTorch's steps; blocks from ℓ on learn from answers alone", async () => {
  const { layer, margin, gamma, weight, steps } = golden.contrast;
  const prompts = golden.groups.map((ids, i) => ({
    ids,
    label: golden.labels[i] === 0 ? ("toxic" as const) : ("seemingly_toxic" as const),
  }));
  await compare(async (backend) => {
    const contrast = await ContrastBatches.create(backend, prompts, {
      layer,
      center: true,
      pooling: "last",
      loss: { type: "circle", form: "global", margin, gamma },
      sampler: { batch: prompts.length, twins: false },
      seed: 0,
    });
    const answers = new SupervisedObjective(
      { general: chosen, safety: [] },
      { seed: 0, batchSize: chosen.length, accumulate: 1, safetyRatio: 0, maskPrompt: true },
    );
    return new WithContrast(answers, contrast, weight);
  }, steps);
});
