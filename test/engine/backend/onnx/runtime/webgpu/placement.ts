import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend } from "../../../../../../src/engine/backend/backend.ts";
import { LiveModel } from "../../../../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../../../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../../../../../src/engine/model/source.ts";
import { generate } from "../../../../../../src/engine/probe/generate.ts";
import { RefusalScorer } from "../../../../../../src/engine/probe/refusal.ts";
import { ContrastiveObjective } from "../../../../../../src/engine/train/contrastive.ts";
import type { DeviceName } from "../../../../../../src/protocol/device.ts";
import { tinyPath } from "../../../../model/tiny.ts";
import { contrast, contrastOptions } from "../../../../train/contrast.ts";
import { examples, full, lora, supervised, trainer } from "../../../../train/trial.ts";
import { type Placement, placement } from "./trace.ts";

/**
 * A process of its own, started with a Vulkan driver in its environment: each kind of graph that the engine builds, on
 * the device named by the first argument, over the tiny models named by the others. Writes where the nodes ran, as
 * JSON: model → kind of graph → placement.
 */
const [device, ...models] = process.argv.slice(2);
const prompts = contrast.map(({ ids }) => ids);
const openings = ["no", "I can", "I'm"].map((text) => [...text].map((c) => 3 + (c.charCodeAt(0) % 150)));

async function step(
  backend: Backend,
  ...args: Parameters<typeof trainer> extends [unknown, ...infer A] ? A : never
) {
  const stage = await trainer(backend, ...args);
  await stage.next();
  await stage.finish();
}

const contrastive = (backend: Backend, retention: "distance" | "kl") =>
  ContrastiveObjective.create(
    backend,
    contrast,
    examples(8).map(({ ids }) => ids),
    {
      ...contrastOptions,
      retention: { ...contrastOptions.retention, type: retention },
    },
  );

const kinds: Record<string, (backend: Backend) => Promise<unknown>> = {
  "LoRA step": (backend) => step(backend, supervised(), { train: lora }),
  "step of all weights": (backend) => step(backend, supervised(), { train: { ...full, embeddings: true } }),
  "contrastive step": async (backend) =>
    step(backend, await contrastive(backend, "distance"), { train: lora }),
  "contrastive step with KL": async (backend) =>
    step(backend, await contrastive(backend, "kl"), { train: full }),
  scoring: (backend) => new RefusalScorer(backend, openings).score(prompts),
  features: (backend) => backend.features(prompts, { layers: [1, 2, backend.shape.layers], pooling: "last" }),
  // Two prompts of five stay: prefill, steps, and a batch that shrinks.
  generation: (backend) => generate(backend, prompts.slice(0, 5), { maxNewTokens: 4, eosIds: [140, 141] }),
};

const found: Record<string, Record<string, Placement>> = {};
for (const name of models) {
  found[name] = {};
  for (const [kind, use] of Object.entries(kinds)) {
    const profile = await mkdtemp(join(tmpdir(), "discern-placement-"));
    const opened = await Device.open(device as DeviceName, { profile });
    const source = await openModel(tinyPath(name));
    const model = new LiveModel(opened, source.architecture, await source.readWeights());
    await use(new OnnxBackend(model));
    await model.dispose();
    await opened.dispose();
    found[name][kind] = await placement(profile);
    await rm(profile, { recursive: true });
  }
}
console.log(JSON.stringify(found));
