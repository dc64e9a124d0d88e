import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend } from "../../../../../../src/engine/backend/backend.ts";
import type { Intervention, Tap } from "../../../../../../src/engine/backend/interventions.ts";
import { type Held, LiveModel } from "../../../../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../../../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../../../../../src/engine/model/source.ts";
import type { StorageType } from "../../../../../../src/engine/model/weights.ts";
import { generate } from "../../../../../../src/engine/probe/generate.ts";
import { RefusalScorer } from "../../../../../../src/engine/probe/refusal.ts";
import { tokenTrie } from "../../../../../../src/engine/probe/tokenTrie.ts";
import { ContrastiveObjective } from "../../../../../../src/engine/train/contrastive.ts";
import type { Objective } from "../../../../../../src/engine/train/objective.ts";
import type { OnnxDeviceName } from "../../../../../../src/protocol/device.ts";
import { writeStoredModel } from "../../../../model/storedModel.ts";
import { tinyPath } from "../../../../model/tiny.ts";
import { contrast, contrastOptions } from "../../../../train/contrast.ts";
import { examples, full, lora, losses, optimiser, supervised, trainer } from "../../../../train/trial.ts";
import { type GraphTrace, traces } from "./trace.ts";

/** What one kind of graph was seen to do. */
export interface Seen {
  /** Where the nodes of each graph ran. */
  readonly graphs: GraphTrace[];
  /** Losses of five steps, for a kind that trains. */
  readonly losses?: number[];
  /** Whether what is trained lies on the device. */
  readonly resident?: boolean;
}

/**
 * A process of its own, started with a Vulkan driver in its environment: each kind of graph that the engine builds, on
 * the device named by the first argument, over the tiny models named by the others, or over models of a stored type ("stored
 * Q8_0") some kinds of graphs that read weights as they are stored. Writes as JSON where the nodes ran and
 * what training lost: model → kind of graph → `Seen`.
 */
const [device, ...models] = process.argv.slice(2);
const prompts = contrast.map(({ ids }) => ids);
const openings = ["no", "I can", "I'm"].map((text) => [...text].map((c) => 3 + (c.charCodeAt(0) % 150)));
const steps = 5;

interface Opened {
  readonly backend: Backend;
  readonly model: LiveModel;
}
type Use = (opened: Opened) => Promise<Omit<Seen, "graphs">>;

/** Five steps of a stage. @param trained name of a parameter that it moves. */
async function train(
  { backend, model }: Opened,
  trained: string,
  objective: Objective | Promise<Objective>,
  options: Parameters<typeof trainer>[2],
): ReturnType<Use> {
  const stage = await trainer(backend, await objective, { ...options, optimiser: gentle });
  const found = await losses(stage, steps);
  const resident = (await model.parameters.value(trained)).onDevice;
  await stage.finish();
  return { losses: found, resident };
}

/** Steps so short that the device's rounding is seen as it is, not grown by a loss that jumps about. */
const gentle = { ...optimiser, learningRate: 1e-3 };
const weight = "model.layers.0.mlp.up_proj.weight";
const factor = "model.layers.0.mlp.up_proj.lora_B.weight";
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
const seen = async (work: Promise<unknown>) => {
  await work;
  return {};
};
const some = prompts.slice(0, 5);

/** Every action, at blocks, sub-blocks and modules, by the prompts' own scales. */
function steered({ shape }: Backend, prompts: number): Intervention[] {
  const vector = Float32Array.from({ length: shape.hiddenSize }, (_, i) => Math.sin(i) / 4);
  const scale = Float32Array.from({ length: prompts }, (_, i) => 1 + (i % 2));
  const from = Array.from({ length: prompts }, (_, i) => i % 3);
  const last = { type: "project", read: vector, write: vector, of: "last" } as const;
  return [
    {
      site: { at: "block-input", layers: [0, 1] },
      positions: "all",
      action: { type: "ablate", direction: vector },
    },
    { site: { at: "block-input", layers: [1] }, positions: "all", action: last, scale },
    { site: { at: "attention-output", layers: [1] }, positions: { from }, action: { type: "add", vector } },
    {
      site: { at: "linear-output", module: "mlp.down_proj", layers: [2] },
      positions: "prompt",
      action: { ...last, of: "self" },
    },
  ];
}

const kinds: Record<string, Use> = {
  "LoRA step": (opened) => train(opened, factor, supervised(), { train: lora }),
  "LoRA step, streamed": (opened) => train(opened, factor, supervised(), { train: lora }),
  "step of all weights": (opened) =>
    train(opened, weight, supervised(), { train: { ...full, embeddings: true } }),
  "contrastive LoRA step": (opened) =>
    train(opened, factor, contrastive(opened.backend, "distance"), { train: lora }),
  "contrastive step of all weights, KL": (opened) =>
    train(opened, weight, contrastive(opened.backend, "kl"), { train: full }),
  scoring: ({ backend }) => seen(new RefusalScorer(backend, openings).score(prompts)),
  features: ({ backend }) =>
    seen(backend.features(prompts, { layers: [1, 2, backend.shape.layers], pooling: "last" })),
  "next tokens": ({ backend }) => seen(backend.nextTokens(some)),
  "scoring under interventions": ({ backend }) => {
    const interventions = steered(backend, prompts.length);
    return seen(backend.score(prompts, tokenTrie(openings), { entropy: true, interventions }));
  },
  "generation under interventions": ({ backend }) => {
    const interventions = steered(backend, some.length);
    return seen(backend.generate(some, { maxNewTokens: 4, eosIds: [140, 141], interventions }));
  },
  "taps under interventions": ({ backend }) => {
    const interventions = steered(backend, 4);
    const site = { at: "linear-output", module: "mlp.down_proj", layers: [0, 2] } as const;
    const taps = (["value", "gradient"] as const).map((read): Tap => ({ site, positions: "all", read }));
    return seen(backend.tap(examples(4), taps, { interventions }));
  },
  "held-out loss": ({ backend }) => seen(backend.losses(examples(4))),
  kernel: ({ backend }) =>
    seen(backend.kernel(features, new Float32Array(features.count).fill(1 / features.count))),
  prefill: ({ backend }) => seen(generate(backend, some, { maxNewTokens: 1, eosIds: [] })),
  // Two prompts of five stay: prefill, steps, and a batch that shrinks.
  generation: ({ backend }) => seen(generate(backend, some, { maxNewTokens: 4, eosIds: [140, 141] })),
};
/** Ten features of sixteen numbers. */
const features = {
  count: 10,
  width: 16,
  data: Float32Array.from({ length: 160 }, (_, i) => Math.sin(i * i)),
};

/** How a kind's model is held where its graphs do not run as one. */
const held: Record<string, Held> = { "LoRA step, streamed": { mode: "stream", headRows: 64 } };

/** Those that read weights in every way: forward, backward, rows, few rows. */
const storedKinds = ["LoRA step", "scoring", "generation"];

const folder = await mkdtemp(join(tmpdir(), "discern-stored-"));
const found: Record<string, Record<string, Seen>> = {};
for (const name of models) {
  found[name] = {};
  const type = /^stored (.+)$/.exec(name)?.[1] as StorageType | undefined;
  const path = type ? writeStoredModel(folder, type) : tinyPath(name);
  for (const [kind, use] of Object.entries(kinds)) {
    if (type && !storedKinds.includes(kind)) continue;
    const profile = await mkdtemp(join(tmpdir(), "discern-placement-"));
    const opened = await Device.open(device as OnnxDeviceName, { profile, threads: 1 });
    const source = await openModel(path);
    const way: Held = held[kind] ?? { mode: "keep", weights: type ? "stored" : "float32" };
    const model = new LiveModel(opened, source.architecture, await source.weights(), way);
    const result = await use({ backend: new OnnxBackend(model), model });
    await model.dispose();
    await opened.dispose();
    found[name][kind] = { ...result, graphs: await traces(profile) };
    await rm(profile, { recursive: true });
  }
}
await rm(folder, { recursive: true });
console.log(JSON.stringify(found));
