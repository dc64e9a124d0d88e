import { causalAttention } from "../../../../../../src/engine/backend/onnx/decoder/attention.ts";
import { LiveModel } from "../../../../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { input } from "../../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { crossEntropy } from "../../../../../../src/engine/backend/onnx/loss/crossEntropy.ts";
import { Device } from "../../../../../../src/engine/backend/onnx/runtime/device.ts";
import { Value } from "../../../../../../src/engine/backend/onnx/runtime/value.ts";
import { openModel } from "../../../../../../src/engine/model/source.ts";
import type { Batch, Objective } from "../../../../../../src/engine/train/objective.ts";
import { Trainer, type TrainerOptions } from "../../../../../../src/engine/train/trainer.ts";
import type { DeviceName } from "../../../../../../src/protocol/device.ts";
import { tinyPath } from "../../../../model/tiny.ts";

/**
 * A process of its own, started with a Vulkan driver in its environment: five AdamW steps of the tiny llama on the
 * device named by the first argument, with LoRA and with all weights. Writes the losses, and whether what was trained
 * lies on the device, as JSON.
 */
const [batch, length] = [2, 16];
const tokens = batch * length;
const layout = { prefix: 0, batch, length };

/** The same few tokens at every step, each to be predicted from the one before. */
const objective: Objective = {
  batches: (): Batch[] => {
    const ids = Int32Array.from({ length: tokens }, (_, i) => 3 + ((i * i * 7) % 150));
    return [
      {
        key: "fixed",
        tokens,
        feeds: {
          ids: Value.of(ids, [tokens]),
          labels: Value.of(
            Int32Array.from(ids, (_, i) => ids[(i + 1) % tokens]),
            [tokens],
          ),
          weights: Value.of(new Float32Array(tokens).fill(1 / tokens), [tokens]),
        },
        build: (decoder) => {
          const embedded = decoder.embed(input("ids", [tokens], "int32"));
          const { layers } = decoder.architecture;
          const hidden = decoder.blocks(embedded, 0, layers, causalAttention(decoder.architecture, layout));
          const loss = crossEntropy(
            decoder.finalNorm(hidden),
            decoder.head(),
            input("labels", [tokens], "int32"),
            input("weights", [tokens]),
          );
          return { loss, metrics: {} };
        },
      },
    ];
  },
  report: () => ({}),
  finished: () => null,
};

async function losses(device: Device, train: TrainerOptions["train"], trained: string) {
  const source = await openModel(tinyPath("llama"));
  const model = new LiveModel(device, source.architecture, await source.readWeights());
  const trainer = await Trainer.create(model, objective, {
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
