import * as z from "zod";
import { streamKey } from "../../../statistics/random.ts";
import type { Adapter, LoraModule } from "../../model/adapter.ts";
import { linearModules } from "../../model/architecture.ts";
import { memoryTensor, type Parameter } from "../../model/weights.ts";
import type {
  AnswersBatch,
  Batch,
  ContrastBatch,
  Learned,
  OptimiserSpec,
  StepFigures,
  Trainer,
  TrainerSpec,
} from "../backend.ts";
import { bucket } from "../batching.ts";
import type { ContrastTerms } from "../contrastTerms.ts";
import {
  checkState,
  fullParameters,
  momentNames,
  newAdapter,
  nothingToTrain,
  reachedParameters,
  startedFrom,
} from "../trainable.ts";
import { inParts } from "./parts.ts";
import { type PackedRows, packed, type TorchModel } from "./torchModel.ts";
import type { Tensors } from "./wire.ts";

/** Lengths are rounded up to multiples of these, as in the onnx backend, so that both have the same dropout masks. */
const lengthSteps = { answers: 16, contrast: 8 };

const shapesSchema = z.object({ shapes: z.record(z.string(), z.array(z.int().nonnegative())) });
const lossSchema = z.object({ loss: z.number().or(z.nan()) });
const normSchema = z.object({ norm: z.number() });
const nothing = z.object({});

/** The names of an adapter's factors, as trainers of every backend save them. */
const factorNames = (module: string) => ({ a: `${module}.lora_A.weight`, b: `${module}.lora_B.weight` });

/**
 * Training by the worker. A pass of answers is one request; a contrast is two, between which loss and gradients of its features are
 * computed here.
 */
export class TorchTrainer implements Trainer {
  private readonly model: TorchModel;
  private readonly spec: TrainerSpec;
  private readonly terms: ContrastTerms;
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Scales of the adapter that is trained, by module; empty in full training. */
  private readonly scales: ReadonlyMap<string, number>;
  private readonly moments: readonly string[];
  private updates = 0;

  private constructor(
    model: TorchModel,
    spec: TrainerSpec,
    terms: ContrastTerms,
    shapes: ReadonlyMap<string, readonly number[]>,
    scales: ReadonlyMap<string, number>,
  ) {
    this.model = model;
    this.spec = spec;
    this.terms = terms;
    this.shapes = shapes;
    this.scales = scales;
    this.moments = momentNames(spec.optimiser);
  }

  /** Attaches the adapter (LoRA) or picks the parameters (full) that some batch has a gradient for. */
  static async create(model: TorchModel, spec: TrainerSpec, terms: ContrastTerms): Promise<TorchTrainer> {
    const { train, seed, kinds } = spec;
    const { architecture } = model;
    const reached = reachedParameters(architecture, kinds);
    let modules: Adapter["modules"] = new Map();
    let names: string[] = [];
    if (train.method === "lora") {
      modules = startedFrom(newAdapter(architecture, train, seed, reached), spec.initial).modules;
    } else {
      names = fullParameters(architecture, train, reached);
    }
    if (modules.size + names.length === 0) throw nothingToTrain(train);
    const scales = new Map([...modules].map(([module, { scale }]) => [module, scale]));
    const params = {
      scales: Object.fromEntries(scales),
      names,
      dropout: train.method === "lora" ? train.dropout : 0,
      recompute: model.recompute,
      keepHead: keepsHead(model, spec),
      moments: momentNames(spec.optimiser).length > 0,
    };
    const { result } = await model.ask("trainer.create", params, shapesSchema, factorsOf(modules));
    return new TorchTrainer(model, spec, terms, new Map(Object.entries(result.shapes)), scales);
  }

  async backward(passes: readonly Batch[]): Promise<StepFigures> {
    await this.model.ask("trainer.clear", {}, nothing);
    let [loss, tokens] = [0, 0];
    const metrics: Record<string, number> = {};
    for (const [i, batch] of passes.entries()) {
      const found = batch.kind === "answers" ? await this.answers(batch, i) : await this.contrast(batch, i);
      loss += found.loss;
      tokens += found.tokens;
      for (const [name, value] of Object.entries(found.metrics)) metrics[name] = (metrics[name] ?? 0) + value;
    }
    const { result } = await this.model.ask("trainer.norm", {}, normSchema);
    return { loss, gradientNorm: result.norm, tokens, metrics };
  }

  async update(learningRate: number, scale: number): Promise<void> {
    const t = this.updates + 1;
    await this.model.ask("trainer.update", stepOf(this.spec.optimiser, learningRate, scale, t), nothing);
    this.updates = t;
  }

  async save(): Promise<Map<string, Parameter>> {
    const saved = new Map<string, Parameter>();
    for (const moment of [...this.moments.map((name) => `${name}.`), ""]) {
      for (const [name, tensor] of await this.read(moment)) saved.set(name, tensor);
    }
    return saved;
  }

  async restore(tensors: ReadonlyMap<string, Parameter>, updates: number): Promise<void> {
    // All of it is looked at before anything is replaced.
    checkState(tensors, this.shapes, this.moments);
    const wanted = [...this.shapes.keys()].flatMap((name) => [
      name,
      ...this.moments.map((moment) => `${moment}.${name}`),
    ]);
    const given = wanted.map((name): [string, Parameter] => [name, tensors.get(name)!]);
    for (const part of inParts(given, ([, { data }]) => data.byteLength)) {
      await this.model.ask("trainer.write", {}, nothing, new Map(part));
    }
    this.updates = updates;
  }

  async learned(): Promise<Learned> {
    const tensors = await this.read("");
    if (this.spec.train.method === "full") {
      const weights = [...tensors].map(([name, each]) => [name, memoryTensor(each)] as const);
      return { method: "full", weights: new Map(weights) };
    }
    const modules = new Map<string, LoraModule>();
    for (const [module, scale] of this.scales) {
      const { a, b } = factorNames(module);
      modules.set(module, { a: tensors.get(a)!, b: tensors.get(b)!, scale });
    }
    return { method: "lora", adapter: { modules, baseModel: null } };
  }

  async finish(): Promise<Learned> {
    const learned = await this.learned();
    await this.model.ask("trainer.finish", {}, nothing);
    if (learned.method === "full") {
      for (const name of learned.weights.keys()) this.model.noteChanged(name);
    } else {
      for (const module of learned.adapter.modules.keys()) this.model.noteChanged(`${module}.weight`);
    }
    return learned;
  }

  /** The trained parameters, or moments of them. */
  private async read(moment: string): Promise<Map<string, Parameter>> {
    const found = new Map<string, Parameter>();
    const bytes = ([, shape]: readonly [string, readonly number[]]) => shape.reduce((n, size) => n * size, 4);
    for (const part of inParts([...this.shapes], bytes)) {
      const names = part.map(([name]) => `${moment}${name}`);
      for (const [name, tensor] of await this.model.tensors("trainer.read", { names }))
        found.set(name, tensor);
    }
    // In the order in which they are trained, whatever the order of the reply.
    return new Map(
      [...this.shapes.keys()].map((name) => [`${moment}${name}`, found.get(`${moment}${name}`)!]),
    );
  }

  private async answers(batch: AnswersBatch, pass: number): Promise<PassFigures> {
    const { examples, maskPrompt, weight, weights, shared } = batch;
    const prefix = (examples[0]?.ids ?? []).slice(0, shared);
    let count = 0;
    const rows = packed({ rows: examples.map(({ ids }) => ids), prefix }, (b) => {
      const { ids, promptLength } = examples[b]!;
      const first = (maskPrompt ? promptLength : 1) - prefix.length;
      const labels = Array.from({ length: ids.length - prefix.length - first }, (_, i) => first + i);
      // The token before a label predicts it.
      const wanted = labels.map((t) => [t - 1, count++]);
      return { labelled: first, factor: weight * (weights?.[b] ?? 1), wanted };
    });
    const request = padded(rows, lengthSteps.answers);
    const params = { ...request, ...this.dropout(pass) };
    const { result } = await this.model.ask("trainer.answers", params, lossSchema);
    return { loss: result.loss, tokens: tokensOf(request), metrics: {} };
  }

  private async contrast(batch: ContrastBatch, pass: number): Promise<PassFigures> {
    const { layer, pooling, retention } = batch;
    const request = padded(contrastRows(batch), lengthSteps.contrast);
    const anchors = retention?.anchors ?? [];
    const lens = retention?.type === "kl" && anchors.length > 0;
    const before = joinedFeatures(batch);
    const params = { ...request, ...this.dropout(pass), layer, mean: pooling === "mean", lens };
    const given: Tensors = lens && before ? new Map([["before", before]]) : new Map();
    const found = await this.model.tensors("trainer.features", params, given);
    const now = found.get("now");
    const value = await this.terms.value(batch, {
      pooled: found.get("pooled")!,
      held: now ? { now, before: lens ? found.get("before")! : before! } : null,
    });
    const gradients = new Map([["pooled", value.pooled]]);
    if (value.held) gradients.set("now", value.held);
    await this.model.ask("trainer.gradients", {}, nothing, gradients);
    return { loss: value.loss, tokens: tokensOf(request), metrics: value.metrics };
  }

  /** Keys of the dropout masks of a pass, a pure function of seed, step and pass: modules that share an input share a mask. */
  private dropout(pass: number): { keys: Record<string, readonly number[]>; behind: readonly string[] } {
    const { train, seed } = this.spec;
    if (train.method !== "lora" || train.dropout === 0) return { keys: {}, behind: [] };
    const [attention, ...behind] = inputGroups(this.model);
    const keys = [...this.scales.keys()].map((module) => {
      const [, block, name] = /^(model\.layers\.\d+\.)(.+)$/.exec(module)!;
      const source = [attention!, ...behind].find((group) => group.includes(name!))![0];
      return [module, streamKey(seed, `dropout.${block}${source}`, this.updates, pass)] as const;
    });
    return { keys: Object.fromEntries(keys), behind: behind.flat() };
  }
}

/** What the worker reads of a step's number and rate. */
function stepOf(optimiser: OptimiserSpec, learningRate: number, scale: number, t: number) {
  if (optimiser.type === "sgd") return { rate: learningRate * scale };
  const { betas, epsilon, weightDecay } = optimiser;
  return {
    betas,
    epsilon,
    scale,
    decay: 1 - learningRate * weightDecay,
    rate: learningRate / (1 - betas[0] ** t),
    root: 1 / Math.sqrt(1 - betas[1] ** t),
  };
}

/** What one pass found. */
type PassFigures = Omit<StepFigures, "gradientNorm">;

/** Linear modules of a block by what they read: the attention's input, its result, the MLP's input, and what lies within it. */
function inputGroups({ architecture }: TorchModel): string[][] {
  const names = linearModules(architecture).map(({ name }) => name);
  const [output, down] = ["self_attn.o_proj", "mlp.down_proj"].map((name) => names.indexOf(name)) as [
    number,
    number,
  ];
  return [names.slice(0, output), [names[output]!], names.slice(output + 1, down), names.slice(down)];
}

/** Prompts with the tokens that are pooled, then anchors with the tokens that are held. */
function contrastRows({ prompts, pooling, retention, shared }: ContrastBatch) {
  const anchors = retention?.anchors ?? [];
  const prefix = (prompts[0]?.ids ?? []).slice(0, shared);
  const pooled = prompts.map(({ ids }) => {
    const own = ids.length - shared;
    return pooling === "last" ? [own - 1] : Array.from({ length: own }, (_, t) => t);
  });
  const count = pooled.reduce((sum, { length }) => sum + length, 0);
  // Behind the attention of the last block the onnx backend computes these tokens alone, in this order.
  let number = 0;
  const numbered = (positions: readonly number[]) => positions.map((t) => [t, number++]);
  return packed({ rows: [...prompts, ...anchors].map(({ ids }) => ids), prefix }, (b) => {
    if (b === prompts.length) number = pooling === "last" ? count : bucket(count, 64);
    const anchor = anchors[b - prompts.length];
    const positions = anchor ? anchor.positions.map((t) => t - shared) : pooled[b]!;
    return { positions, wanted: numbered(positions), ...(anchor && { held: true }) };
  });
}

/** The anchors' features before training, (M, C); null without anchors. */
function joinedFeatures({ retention, centre }: ContrastBatch): Parameter | null {
  const anchors = retention?.anchors ?? [];
  if (anchors.length === 0) return null;
  const data = new Float32Array(anchors.reduce((sum, { features }) => sum + features.length, 0));
  let offset = 0;
  for (const { features } of anchors) {
    data.set(features, offset);
    offset += features.length;
  }
  return { shape: [data.length / centre.length, centre.length], data };
}

function padded<R extends object>(rows: PackedRows<R>, step: number): PackedRows<R> {
  return { ...rows, length: bucket(rows.length, step) };
}

function tokensOf({ prefix, rows, length }: PackedRows): number {
  return prefix.length + rows.length * length;
}

/** The factors of adapters, by name. */
export function factorsOf(modules: Adapter["modules"]): Tensors {
  return new Map(
    [...modules].flatMap(([module, { a, b }]): [string, Parameter][] => {
      const names = factorNames(module);
      return [
        [names.a, a],
        [names.b, b],
      ];
    }),
  );
}

/** Whether KL retention reads a head that training moves: both sides are then read with the head as it was. */
function keepsHead({ architecture }: TorchModel, { train, kinds }: TrainerSpec): boolean {
  const moves = train.method === "full" && train.embeddings && architecture.tiedEmbeddings;
  return moves && kinds.some((batch) => batch.kind === "contrast" && batch.retention?.type === "kl");
}
