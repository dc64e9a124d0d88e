import type { OptimiserRecipe } from "../../../../protocol/recipeStages.ts";
import { ops } from "../graph/ops.ts";
import { type Shape, size } from "../graph/shape.ts";
import { input, scalar, type Tensor } from "../graph/tensor.ts";
import type { Device } from "../runtime/device.ts";
import type { Program } from "../runtime/program.ts";
import { Value } from "../runtime/value.ts";

/** What the update rule is made of. */
export type AdamWOptions = Pick<OptimiserRecipe, "betas" | "epsilon" | "weightDecay">;

/** A parameter with its two moments, all of one shape. */
export interface Trained {
  readonly parameter: Value;
  readonly m: Value;
  readonly v: Value;
}

/** What changes from step to step. */
export interface AdamWStep {
  readonly rate: number;
  /** Multiplies every gradient: the factor that clips. */
  readonly scale: number;
  /** 1-based count of updates, for the bias correction. */
  readonly t: number;
}

/**
 * AdamW with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2) as a transform of values: parameters, moments
 * and gradients in, new parameters and moments out. It knows no model and keeps nothing.
 */
export class AdamW {
  private readonly device: Device;
  private readonly options: AdamWOptions;
  private readonly program: Program;

  private constructor(device: Device, options: AdamWOptions, program: Program) {
    this.device = device;
    this.options = options;
    this.program = program;
  }

  /** Compiles the transform for parameters of these names and shapes. */
  static async create(
    device: Device,
    shapes: ReadonlyMap<string, Shape>,
    options: AdamWOptions,
  ): Promise<AdamW> {
    const outputs = updateGraph(shapes, options);
    return new AdamW(device, options, await device.compile(outputs, { resident: Object.keys(outputs) }));
  }

  /** A moment before the first step. */
  zeroMoment(shape: Shape): Promise<Value> {
    return this.device.upload(new Float32Array(size(shape)), shape);
  }

  /**
   * One step. On the CPU the results are written into the arrays that were given: each new element depends on its own old
   * ones and on gradients that were complete before this graph began. Elsewhere they are new values, and the old ones
   * are their owner's to free.
   *
   * @param trained by name; all that `create` was given.
   * @param gradients by the same names.
   */
  async update(
    trained: ReadonlyMap<string, Trained>,
    gradients: ReadonlyMap<string, Value>,
    { rate, scale, t }: AdamWStep,
  ): Promise<Map<string, Trained>> {
    const [beta1, beta2] = this.options.betas;
    const number = (x: number) => Value.of(Float32Array.of(x), []);
    const feeds: Record<string, Value> = {
      scale: number(scale),
      decay: number(1 - rate * this.options.weightDecay),
      rate: number(rate / (1 - beta1 ** t)),
      root: number(1 / Math.sqrt(1 - beta2 ** t)),
    };
    const into: Record<string, Value> = {};
    for (const [name, { parameter, m, v }] of trained) {
      Object.assign(feeds, {
        [name]: parameter,
        [`m.${name}`]: m,
        [`v.${name}`]: v,
        [`grad.${name}`]: gradients.get(name),
      });
      Object.assign(into, { [`new.${name}`]: parameter, [`new.m.${name}`]: m, [`new.v.${name}`]: v });
    }
    const out = await this.program.run(feeds, this.device.resident ? {} : into);
    return new Map(
      [...trained.keys()].map((name) => [
        name,
        { parameter: out[`new.${name}`], m: out[`new.m.${name}`], v: out[`new.v.${name}`] },
      ]),
    );
  }

  async dispose(): Promise<void> {
    await this.program.dispose();
  }
}

/**
 * m′ = β₁m + (1−β₁)g, v′ = β₂v + (1−β₂)g², p′ = p·(1 − ηλ) − η/(1−β₁ᵗ) · m′/(√v′/√(1−β₂ᵗ) + ε), for each parameter,
 * with what changes from step to step fed as scalars.
 */
function updateGraph(
  shapes: ReadonlyMap<string, Shape>,
  { betas: [beta1, beta2], epsilon }: AdamWOptions,
): Record<string, Tensor> {
  const [scale, decay, rate, root] = ["scale", "decay", "rate", "root"].map((name) => input(name, []));
  const first = ops.mul(scale, 1 - beta1);
  const second = ops.mul(ops.mul(scale, scale), 1 - beta2);
  const [keep1, keep2, tiny] = [scalar(beta1), scalar(beta2), scalar(epsilon)];
  const outputs: Record<string, Tensor> = {};
  for (const [name, shape] of shapes) {
    const [p, m, v, g] = [name, `m.${name}`, `v.${name}`, `grad.${name}`].map((each) => input(each, shape));
    const m2 = ops.add(ops.mul(m, keep1), ops.mul(g, first));
    const v2 = ops.add(ops.mul(v, keep2), ops.mul(ops.mul(g, g), second));
    const step = ops.div(ops.mul(m2, rate), ops.add(ops.mul(ops.sqrt(v2), root), tiny));
    outputs[`new.${name}`] = ops.sub(ops.mul(p, decay), step);
    outputs[`new.m.${name}`] = m2;
    outputs[`new.v.${name}`] = v2;
  }
  return outputs;
}
