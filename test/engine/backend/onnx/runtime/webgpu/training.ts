import { LiveModel } from "../../../../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../../../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../../../../../src/engine/model/source.ts";
import type { Objective } from "../../../../../../src/engine/train/objective.ts";
import { TrainingStage } from "../../../../../../src/engine/train/trainingStage.ts";
import type { DeviceName } from "../../../../../../src/protocol/device.ts";
import type { TrainRecipe } from "../../../../../../src/protocol/recipeStages.ts";
import { tinyPath } from "../../../../model/tiny.ts";

/**
 * A process of its own, started with a Vulkan driver in its environment: five AdamW steps of the tiny llama on the
 * device named by the first argument, with LoRA and with all weights. Writes the losses, and whether what was trained
 * lies on the device, as JSON.
 */
const [rows, length] = [2, 17];

/** The same few tokens at every step, each to be predicted from the one before. */
const examples = Array.from({ length: rows }, (_, b) => ({
  ids: Array.from({ length }, (_, t) => 3 + (((b * length + t) ** 2 * 7) % 150)),
  promptLength: 1,
}));
const weight = 1 / (rows * (length - 1));
const objective: Objective = {
  batches: () => [{ kind: "answers", examples, maskPrompt: true, weight, shared: 0 }],
  report: () => ({}),
  finished: () => null,
};

async function losses(device: Device, train: TrainRecipe, trained: string) {
  const source = await openModel(tinyPath("llama"));
  const model = new LiveModel(device, source.architecture, await source.readWeights());
  const trainer = await TrainingStage.create(new OnnxBackend(model), objective, {
    steps: 5,
    seed: 1,
    train,
    optimiser: {
      learningRate: 1e-3,
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      weightDecay: 0.01,
      clip: 1,
      warmup: 0,
      schedule: "constant",
    },
  });
  const steps: number[] = [];
  while (trainer.finished() === null) steps.push((await trainer.next()).loss);
  const resident = (await model.value(trained)).onDevice;
  await trainer.finish();
  await model.dispose();
  return { losses: steps, resident };
}

const device = await Device.open(process.argv[2] as DeviceName);
const lora = { method: "lora", rank: 4, alpha: 8, dropout: 0, targets: "all-linear" } as const;
console.log(
  JSON.stringify({
    lora: await losses(device, lora, "model.layers.0.self_attn.q_proj.lora_B.weight"),
    full: await losses(device, { method: "full", embeddings: true }, "model.layers.0.mlp.up_proj.weight"),
  }),
);
