import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LiveModel } from "../../../../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { Device } from "../../../../../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../../../../../src/engine/model/source.ts";
import { promptFeatures } from "../../../../../../src/engine/probe/features.ts";
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
  model: LiveModel,
  ...args: Parameters<typeof trainer> extends [unknown, ...infer A] ? A : never
) {
  const stage = await trainer(model, ...args);
  await stage.next();
  await stage.finish();
}

const contrastive = (model: LiveModel, retention: "distance" | "kl") =>
  ContrastiveObjective.create(
    model,
    contrast,
    examples(8).map(({ ids }) => ids),
    0,
    {
      ...contrastOptions,
      retention: { ...contrastOptions.retention, type: retention },
    },
  );

const kinds: Record<string, (model: LiveModel) => Promise<unknown>> = {
  "LoRA step": (model) => step(model, supervised(), { train: lora }),
  "step of all weights": (model) => step(model, supervised(), { train: { ...full, embeddings: true } }),
  "contrastive step": async (model) => step(model, await contrastive(model, "distance"), { train: lora }),
  "contrastive step with KL": async (model) => step(model, await contrastive(model, "kl"), { train: full }),
  scoring: (model) => new RefusalScorer(model, 0, openings).score(prompts),
  features: (model) => promptFeatures(model, prompts, [1, 2, model.architecture.layers], 0),
  // Two prompts of five stay: prefill, steps, and a batch that shrinks.
  generation: (model) => generate(model, prompts.slice(0, 5), { maxNewTokens: 4, eosIds: [140, 141] }),
};

const found: Record<string, Record<string, Placement>> = {};
for (const name of models) {
  found[name] = {};
  for (const [kind, use] of Object.entries(kinds)) {
    const profile = await mkdtemp(join(tmpdir(), "discern-placement-"));
    const opened = await Device.open(device as DeviceName, { profile });
    const source = await openModel(tinyPath(name));
    const model = new LiveModel(opened, source.architecture, await source.readWeights());
    await use(model);
    await model.dispose();
    await opened.dispose();
    found[name][kind] = await placement(profile);
    await rm(profile, { recursive: true });
  }
}
console.log(JSON.stringify(found));
