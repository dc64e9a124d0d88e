import { dropoutMask, streamKey } from "../../../../statistics/random.ts";
import { memoryTensor, type Parameter } from "../../../model/weights.ts";
import type { Batch, Learned, StepFigures, Trainer, TrainerSpec } from "../../backend.ts";
import {
  checkState,
  fullParameters,
  newAdapter,
  nothingToTrain,
  reachedParameters,
  startedFrom,
} from "../../trainable.ts";
import type { LoraDropout } from "../decoder/decoder.ts";
import type { LiveModel, Runnable } from "../decoder/liveModel.ts";
import { adapterOf, loraFactors } from "../decoder/loraFactors.ts";
import { ops } from "../graph/ops.ts";
import { type Shape, size } from "../graph/shape.ts";
import { input, scalar, type Tensor } from "../graph/tensor.ts";
import { Value } from "../runtime/value.ts";
import { answersPass } from "./answers.ts";
import { contrastPass } from "./contrast.ts";
import { Optimiser, type Trained } from "./optimiser.ts";
import type { Pass } from "./pass.ts";

/**
 * Training on onnxruntime. Each pass is one graph: loss, metrics, gradients added to those of the passes before, and their
 * squared norm. A second graph moves the parameters.
 *
 * Cost of a step: about three forward passes of the layers that are run, less the weight gradients that LoRA spares.
 * Memory: what is trained, its gradients, and the optimiser's moments: two more copies for AdamW, none for SGD.
 */
export class OnnxTrainer implements Trainer {
  private readonly model: LiveModel;
  private readonly spec: TrainerSpec;
  private readonly optimiser: Optimiser;
  private readonly shapes: ReadonlyMap<string, Shape>;
  private moments: ReadonlyMap<string, Trained["moments"]>;
  /** The head (V, C) as it was before training, where training moves it and KL retention reads it; else null. */
  private readonly head: Value | null;
  /** Gradient buffers on the CPU, reused by every step. */
  private readonly buffers: Record<string, Value> = {};
  private sums: ReadonlyMap<string, Value> = new Map();
  private updates = 0;

  private constructor(
    model: LiveModel,
    spec: TrainerSpec,
    optimiser: Optimiser,
    shapes: ReadonlyMap<string, Shape>,
    moments: ReadonlyMap<string, Trained["moments"]>,
    head: Value | null,
  ) {
    this.model = model;
    this.spec = spec;
    this.optimiser = optimiser;
    this.shapes = shapes;
    this.moments = moments;
    this.head = head;
    if (!model.device.resident) {
      for (const [name, shape] of shapes) {
        this.buffers[`grad.${name}`] = Value.of(new Float32Array(size(shape)), shape);
      }
    }
  }

  /**
   * Attaches the adapter (LoRA) or picks the parameters (full). What no batch has a gradient for, because it is not run or
   * held constant, is left out: weight decay would still move it.
   */
  static async create(model: LiveModel, spec: TrainerSpec): Promise<OnnxTrainer> {
    const { train, seed } = spec;
    const reached = reachedParameters(model.architecture, spec.kinds);
    const shapes = new Map<string, Shape>();
    if (train.method === "lora") {
      // Training changes arrays in place, and those of `initial` are someone else's.
      const adapter = startedFrom(newAdapter(model.architecture, train, seed, reached), spec.initial);
      const { plan, factors } = loraFactors(adapter);
      if (plan.size === 0) throw nothingToTrain(train);
      await model.attach(plan, factors);
      for (const [name, { shape }] of factors) shapes.set(name, shape);
    } else {
      const names = fullParameters(model.architecture, train, reached);
      await model.prepare(names);
      for (const name of names) {
        shapes.set(name, (await model.parameters.value(name)).shape);
      }
      if (shapes.size === 0) throw nothingToTrain(train);
    }
    const head = await headBefore(model, spec);
    const optimiser = await Optimiser.create(model.device, shapes, spec.optimiser);
    const moments = new Map<string, Trained["moments"]>();
    for (const [name, shape] of shapes) moments.set(name, await optimiser.zeroMoments(shape));
    return new OnnxTrainer(model, spec, optimiser, shapes, moments, head);
  }

  async backward(passes: readonly Batch[]): Promise<StepFigures> {
    this.dropGradients();
    let sums: ReadonlyMap<string, Value> = this.sums;
    let [loss, gradientNorm, tokens] = [0, 0, 0];
    const metrics: Record<string, number> = {};
    for (const [i, batch] of passes.entries()) {
      const pass = passOf(batch, this.head);
      const program = await this.program(pass, i > 0);
      const added = Object.fromEntries([...sums].map(([name, sum]) => [`sum.${name}`, sum]));
      const feeds = { ...pass.feeds, ...added };
      const out = await this.model.run(program, feeds, this.buffers, (input) => this.mask(input, i));
      loss += out.loss.data[0];
      gradientNorm = Math.sqrt(out.squaredNorm.data[0]);
      tokens += pass.tokens;
      for (const [name, value] of Object.entries(out)) {
        if (!name.startsWith("metric.")) continue;
        const key = name.slice("metric.".length);
        metrics[key] = (metrics[key] ?? 0) + value.data[0];
      }
      this.dropGradients();
      sums = new Map([...this.shapes.keys()].map((name) => [name, out[`grad.${name}`]]));
      this.sums = sums;
    }
    return { loss, gradientNorm, tokens, metrics };
  }

  async update(rate: number, scale: number): Promise<void> {
    if (this.sums.size === 0) throw new Error("there are no gradients to move by: call `backward` first");
    const trained = new Map<string, Trained>();
    for (const [name, moments] of this.moments) {
      trained.set(name, { parameter: await this.model.parameters.value(name), moments });
    }
    const moved = await this.optimiser.update(trained, this.sums, { rate, scale, t: this.updates + 1 });
    for (const [name, { parameter, moments }] of moved) {
      this.model.parameters.replace(name, parameter);
      for (const [i, old] of this.moments.get(name)!.entries()) if (old !== moments[i]) old.dispose();
    }
    this.moments = new Map([...moved].map(([name, { moments }]) => [name, moments]));
    this.dropGradients();
    this.updates += 1;
  }

  async save(): Promise<Map<string, Parameter>> {
    const tensors = new Map<string, Parameter>();
    for (const [name, moments] of this.moments) {
      for (const [i, moment] of this.optimiser.moments.entries()) {
        tensors.set(`${moment}.${name}`, await this.copied(moments[i]!));
      }
    }
    for (const [name, parameter] of await this.parameters()) tensors.set(name, parameter);
    return tensors;
  }

  async restore(tensors: ReadonlyMap<string, Parameter>, updates: number): Promise<void> {
    // All of it is looked at before anything is replaced.
    checkState(tensors, this.shapes, this.optimiser.moments);
    const saved = (name: string) => (tensors.get(name) as Parameter).data;
    const { device, weights } = this.model;
    const moments = new Map<string, Trained["moments"]>();
    for (const [name, shape] of this.shapes) {
      const fresh = (part: string) => device.upload(Float32Array.from(saved(part)), shape);
      const names = this.optimiser.moments.map((moment) => `${moment}.${name}`);
      moments.set(name, await Promise.all(names.map(fresh)));
      for (const old of this.moments.get(name)!) old.dispose();
      if (weights.has(name)) {
        const data = Float32Array.from(saved(name));
        this.model.overwrite(name, memoryTensor({ shape, data }));
      } else {
        this.model.parameters.replace(name, await fresh(name));
      }
    }
    this.moments = moments;
    this.updates = updates;
  }

  async learned(): Promise<Learned> {
    const tensors = await this.parameters();
    if (this.spec.train.method === "lora") {
      return { method: "lora", adapter: adapterOf(this.model.lora, tensors) };
    }
    const weights = [...tensors].map(([name, tensor]) => [name, memoryTensor(tensor)] as const);
    return { method: "full", weights: new Map(weights) };
  }

  async finish(): Promise<Learned> {
    const learned = await this.learned();
    this.dropGradients();
    await this.optimiser.dispose();
    for (const moment of [...this.moments.values()].flat()) moment.dispose();
    if (learned.method === "lora") {
      await this.model.detach(this.shapes.keys());
      await this.model.merge(learned.adapter);
    } else {
      // Another stage may train other parameters on batches of the same key.
      await this.model.forgetPrograms();
      for (const name of learned.weights.keys()) await this.model.settle(name);
    }
    return learned;
  }

  /** The trained parameters on the host, copied. */
  private async parameters(): Promise<Map<string, Parameter>> {
    const tensors = new Map<string, Parameter>();
    for (const name of this.shapes.keys()) {
      tensors.set(name, await this.copied(await this.model.parameters.value(name)));
    }
    return tensors;
  }

  private async copied(value: Value): Promise<Parameter> {
    return { shape: value.shape, data: Float32Array.from(await this.model.device.download(value)) };
  }

  /** Frees gradients that lie on the device; those in host memory are the buffers of the next step. */
  private dropGradients(): void {
    for (const sum of this.sums.values()) sum.dispose();
    this.sums = new Map();
  }

  /** The graph of one pass: loss, metrics, gradients (added to fed ones after the first pass) and their squared norm. */
  private program(pass: Pass, adds: boolean): Promise<Runnable> {
    const { train } = this.spec;
    const dropout: LoraDropout = (x, module) =>
      train.method === "lora" && train.dropout > 0 ? ops.mul(x, input(`dropout.${module}`, x.shape)) : x;
    return this.model.differentiated(
      `train ${pass.key} ${adds}`,
      (decoder, parameters) => {
        const { loss, metrics } = pass.build(decoder);
        const read = new Map(parameters.all().map((tensor) => [tensor.name, tensor]));
        const wrt = new Map([...this.shapes.keys()].map((name) => [name, read.get(name) ?? null]));
        const named = Object.entries(metrics).map(([name, value]) => [`metric.${name}`, value]);
        const derive = (found: ReadonlyMap<string, Tensor | null>) => this.sumsOf(found, adds);
        return { outputs: { loss, ...Object.fromEntries(named) }, backward: { loss, wrt, derive } };
      },
      {
        dropout,
        resident: (name) => name.startsWith("grad."),
        movesEmbeddings: train.method === "full" && train.embeddings,
      },
    );
  }

  /** Gradients, added to fed ones after the first pass, and their squared norm. */
  private sumsOf(found: ReadonlyMap<string, Tensor | null>, adds: boolean): Record<string, Tensor> {
    const outputs: Record<string, Tensor> = {};
    let squares: Tensor = scalar(0);
    for (const [name, gradient] of found) {
      const shape = this.shapes.get(name) as Shape;
      // A trained parameter that this loss does not reach stands still.
      const own = gradient ?? ops.expand(scalar(0), shape);
      const sum = adds ? ops.add(input(`sum.${name}`, shape), own) : own;
      outputs[`grad.${name}`] = sum;
      squares = ops.add(squares, ops.sumSquare(sum, [...shape.keys()]));
    }
    return { ...outputs, squaredNorm: squares };
  }

  /** The dropout mask that a pass reads under a name, a pure function of seed, step and pass; null for other names. */
  private mask({ name, shape }: Runnable["inputs"][number], pass: number): Value | null {
    const { train, seed } = this.spec;
    if (train.method !== "lora" || !name.startsWith("dropout.")) return null;
    const key = streamKey(seed, name, this.updates, pass);
    return Value.of(dropoutMask(size(shape), train.dropout, key), shape);
  }
}

function passOf(batch: Batch, head: Value | null): Pass {
  return batch.kind === "answers" ? answersPass(batch) : contrastPass(batch, head);
}

/** A copy of the head where a stage with KL retention trains the embeddings it is tied to; null elsewhere. */
async function headBefore(model: LiveModel, { train, kinds }: TrainerSpec): Promise<Value | null> {
  const moves = train.method === "full" && train.embeddings && model.architecture.tiedEmbeddings;
  const reads = kinds.some((batch) => batch.kind === "contrast" && batch.retention?.type === "kl");
  if (!moves || !reads) return null;
  const head = await model.parameters.value("model.embed_tokens.weight");
  return Value.of(Float32Array.from(await model.device.download(head)), head.shape);
}
