import { DiscernError } from "../../protocol/errors.ts";
import type { OptimiserRecipe, TrainRecipe } from "../../protocol/recipeStages.ts";
import type { LoraDropout } from "../backend/onnx/decoder/decoder.ts";
import type { LiveModel } from "../backend/onnx/decoder/liveModel.ts";
import { gradients } from "../backend/onnx/graph/autodiff.ts";
import { ops } from "../backend/onnx/graph/ops.ts";
import { size } from "../backend/onnx/graph/shape.ts";
import { input, scalar, type Tensor } from "../backend/onnx/graph/tensor.ts";
import type { Program } from "../backend/onnx/runtime/program.ts";
import { Value } from "../backend/onnx/runtime/value.ts";
import { mergeAdapter } from "../model/adapter.ts";
import type { Parameter } from "../model/weights.ts";
import type { Batch, Objective } from "./objective.ts";
import { AdamW, clipFactor, learningRate } from "./optimiser.ts";
import { dropoutMask, stream } from "./random.ts";
import type { Stage, StageEnd, StageResult, StageState, StepReport } from "./stage.ts";
import { adapterOf, fullParameters, loraParameters } from "./trainable.ts";

export interface TrainerOptions {
  readonly steps: number;
  readonly seed: number;
  readonly train: TrainRecipe;
  readonly optimiser: OptimiserRecipe;
}

/**
 * Trains a model towards an objective. A step is: run every pass, add up gradients inside the graph, look at loss and
 * norm, and only then move the parameters; a loss that is not finite therefore never reaches them.
 *
 * Cost of a step: about three forward passes of the layers that are run, less the weight gradients that LoRA spares.
 */
export class Trainer implements Stage {
  readonly totalSteps: number;
  private readonly model: LiveModel;
  private readonly objective: Objective;
  private readonly options: TrainerOptions;
  private readonly optimiser: AdamW;
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Gradient buffers on the CPU, reused by every step. */
  private readonly buffers: Record<string, Value> = {};
  private readonly history: Record<string, number[]> = {};
  private done = 0;

  private constructor(
    model: LiveModel,
    objective: Objective,
    options: TrainerOptions,
    optimiser: AdamW,
    shapes: ReadonlyMap<string, readonly number[]>,
  ) {
    this.model = model;
    this.objective = objective;
    this.options = options;
    this.optimiser = optimiser;
    this.shapes = shapes;
    this.totalSteps = options.steps;
    if (!model.device.resident) {
      for (const [name, shape] of shapes) {
        this.buffers[`grad.${name}`] = Value.of(new Float32Array(size(shape)), shape);
      }
    }
  }

  /**
   * Prepares a stage: attaches the adapter (LoRA) or picks the parameters (full). What the objective has no gradient
   * for, because it does not run it or holds it constant, is left out: weight decay would still move it.
   *
   * @param factors first values of the adapter, instead of random ones.
   * @throws DiscernError("recipe-invalid") for layers or targets the model does not have or the objective does not run.
   */
  static async create(
    model: LiveModel,
    objective: Objective,
    options: TrainerOptions,
    factors?: ReadonlyMap<string, Parameter>,
  ): Promise<Trainer> {
    const shapes = new Map<string, readonly number[]>();
    const [batch] = await objective.batches(0);
    const reached = model.moves((decoder) => batch.build(decoder).loss);
    if (options.train.method === "lora") {
      const lora = loraParameters(model.architecture, options.train, options.seed, reached);
      const initial = new Map([...lora.factors].map(([name, own]) => [name, factors?.get(name) ?? own]));
      await model.attach(lora.plan, initial);
      for (const [name, { shape }] of initial) shapes.set(name, shape);
    } else {
      for (const name of fullParameters(model.architecture, options.train, reached)) {
        shapes.set(name, (await model.value(name)).shape);
      }
    }
    if (shapes.size === 0) {
      throw new DiscernError(
        "recipe-invalid",
        `train.layers is [${options.train.layers?.join(", ")}], and the stage computes none of these layers. ` +
          "Name layers below the layer of the contrast, or leave them out.",
      );
    }
    const optimiser = await AdamW.create(model, shapes, options.optimiser);
    return new Trainer(model, objective, options, optimiser, shapes);
  }

  get step(): number {
    return this.done;
  }

  async next(): Promise<StepReport> {
    const batches = await this.objective.batches(this.done);
    let sums: [name: string, sum: Value][] = [];
    let loss = 0;
    let norm = 0;
    const metrics: Record<string, number> = {};
    for (const [i, batch] of batches.entries()) {
      const program = await this.program(batch, i > 0);
      const added = Object.fromEntries(sums.map(([name, sum]) => [`sum.${name}`, sum]));
      const feeds = { ...batch.feeds, ...added, ...this.masks(program, i) };
      const out = await this.model.run(program, feeds, this.buffers);
      loss += out.loss.data[0];
      norm = Math.sqrt(out.squaredNorm.data[0]);
      for (const [name, value] of Object.entries(out)) {
        if (name.startsWith("metric.")) {
          const key = name.slice("metric.".length);
          metrics[key] = (metrics[key] ?? 0) + value.data[0];
        }
      }
      if (this.model.device.resident) for (const [, sum] of sums) sum.dispose();
      sums = [...this.shapes.keys()].map((name) => [name, out[`grad.${name}`]]);
    }
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) {
      throw new DiscernError(
        "loss-not-finite",
        `Step ${this.done + 1} gave loss ${loss} and gradient norm ${norm}. The parameters were left as they were after ` +
          `step ${this.done}. Lower the learning rate, lengthen the warm-up, or clip gradients (optimiser.clip).`,
      );
    }
    const rate = learningRate(this.options.optimiser, this.done, this.totalSteps);
    const total = Object.fromEntries(sums.map(([name, sum]) => [`grad.${name}`, sum]));
    await this.optimiser.update(total, rate, clipFactor(norm, this.options.optimiser.clip), this.done + 1);
    this.done += 1;
    for (const [name, value] of Object.entries(metrics)) {
      this.history[name] = [...(this.history[name] ?? []), value];
    }
    return {
      loss,
      gradientNorm: norm,
      learningRate: rate,
      tokens: batches.reduce((total, batch) => total + batch.tokens, 0),
      ...this.objective.report(metrics),
    };
  }

  finished(): StageEnd | null {
    return this.objective.finished(this.history) ?? (this.done >= this.totalSteps ? "steps" : null);
  }

  async state(): Promise<StageState> {
    const tensors = await this.optimiser.state();
    for (const [name, parameter] of await this.parameters()) tensors.set(name, parameter);
    return { step: this.done, tensors, history: { ...this.history } };
  }

  async restore({ step, tensors, history }: StageState): Promise<void> {
    await this.optimiser.restore(tensors);
    for (const [name, shape] of this.shapes) {
      const saved = tensors.get(name);
      if (!saved)
        throw new DiscernError("checkpoint-invalid", `The checkpoint lacks the parameter "${name}".`);
      const host = this.model.weights.get(name);
      if (host) host.data.set(saved.data);
      const data = host ? host.data : Float32Array.from(saved.data);
      this.model.replace(name, await this.model.device.upload(data, shape));
    }
    this.done = step;
    for (const [name, values] of Object.entries(history)) this.history[name] = [...values];
  }

  async finish(): Promise<StageResult> {
    const { method } = this.options.train;
    const tensors = await this.parameters();
    await this.optimiser.dispose();
    if (method === "lora") {
      const { lora } = this.model;
      await this.model.detach(this.shapes.keys());
      mergeAdapter(this.model.weights, adapterOf(lora, tensors));
    } else {
      for (const [name, { data }] of tensors) this.model.weights.get(name)?.data.set(data);
      // Another stage may train other parameters on batches of the same key.
      await this.model.forgetPrograms();
    }
    this.model.forgetUploads();
    return { method, tensors };
  }

  /** The trained parameters on the host, copied. */
  private async parameters(): Promise<Map<string, Parameter>> {
    const tensors = new Map<string, Parameter>();
    for (const [name, shape] of this.shapes) {
      const data = await this.model.device.download(await this.model.value(name));
      tensors.set(name, { shape, data: Float32Array.from(data) });
    }
    return tensors;
  }

  /** The graph of one pass: loss, metrics, gradients (added to fed ones after the first pass) and their squared norm. */
  private program(batch: Batch, adds: boolean): Promise<Program> {
    const key = `train ${batch.key} ${adds}`;
    const dropout: LoraDropout = (x, module) => {
      const { train } = this.options;
      return train.method === "lora" && train.dropout > 0
        ? ops.mul(x, input(`dropout.${module}`, x.shape))
        : x;
    };
    return this.model.program(
      key,
      (decoder, parameters) => {
        const { loss, metrics } = batch.build(decoder);
        const read = new Map(parameters.all().map((tensor) => [tensor.name, tensor]));
        const names = [...this.shapes.keys()];
        const trained = names.map((name) => read.get(name) ?? null);
        const found = gradients(
          loss,
          trained.filter((tensor) => tensor !== null),
        );
        const outputs: Record<string, Tensor> = { loss };
        let squares: Tensor = scalar(0);
        for (const [i, name] of names.entries()) {
          const shape = this.shapes.get(name) as readonly number[];
          // A trained parameter that this loss does not reach stands still.
          const gradient = (trained[i] && found.shift()) ?? ops.expand(scalar(0), shape);
          const sum = adds ? ops.add(input(`sum.${name}`, shape), gradient) : gradient;
          outputs[`grad.${name}`] = sum;
          squares = ops.add(squares, ops.sumSquare(sum, [...shape.keys()]));
        }
        outputs.squaredNorm = squares;
        for (const [name, value] of Object.entries(metrics)) outputs[`metric.${name}`] = value;
        return outputs;
      },
      { dropout, resident: (name) => name.startsWith("grad.") },
    );
  }

  /** Fresh dropout masks for a pass, a pure function of seed, step and pass. */
  private masks(program: Program, pass: number): Record<string, Value> {
    const { train, seed } = this.options;
    if (train.method !== "lora" || train.dropout === 0) return {};
    const wanted = program.inputs.filter(({ name }) => name.startsWith("dropout."));
    return Object.fromEntries(
      wanted.map(({ name, shape }) => {
        const random = stream(seed, name, this.done, pass);
        return [name, Value.of(dropoutMask(size(shape), train.dropout, random), shape)];
      }),
    );
  }
}
