import type { OptimiserRecipe } from "../../protocol/recipeStages.ts";
import type { LiveModel } from "../backend/onnx/decoder/liveModel.ts";
import { ops } from "../backend/onnx/graph/ops.ts";
import { size } from "../backend/onnx/graph/shape.ts";
import { input, scalar, type Tensor } from "../backend/onnx/graph/tensor.ts";
import type { Program } from "../backend/onnx/runtime/program.ts";
import { Value } from "../backend/onnx/runtime/value.ts";
import type { Parameter } from "../model/weights.ts";

/** The learning rate of a 0-based step: linear warm-up, then constant or a half cosine down to 0 at `total`. */
export function learningRate(
  { learningRate: peak, warmup, schedule }: OptimiserRecipe,
  step: number,
  total: number,
): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  if (schedule === "constant") return peak;
  const progress = (step - warmup) / Math.max(1, total - warmup);
  return (peak * (1 + Math.cos(Math.PI * progress))) / 2;
}

/**
 * The factor that clips a gradient of this norm, as torch.nn.utils.clip_grad_norm_ computes it: min(1, c/(norm + 1e-6)).
 */
export function clipFactor(norm: number, clip: number | null): number {
  return clip === null ? 1 : Math.min(1, clip / (norm + 1e-6));
}

/**
 * AdamW with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2): the two moments of every trained parameter,
 * and the graph that moves parameters by them.
 */
export class AdamW {
  private readonly model: LiveModel;
  private readonly options: OptimiserRecipe;
  private readonly moments = new Map<string, { m: Value; v: Value }>();
  private readonly program: Program;

  private constructor(model: LiveModel, options: OptimiserRecipe, program: Program) {
    this.model = model;
    this.options = options;
    this.program = program;
  }

  /** An optimiser at rest (moments zero) for parameters of these names and shapes. Memory: two copies of them. */
  static async create(
    model: LiveModel,
    shapes: ReadonlyMap<string, readonly number[]>,
    options: OptimiserRecipe,
  ): Promise<AdamW> {
    const outputs = updateGraph(shapes, options);
    const program = await model.device.compile(outputs, { resident: Object.keys(outputs) });
    const optimiser = new AdamW(model, options, program);
    for (const [name, shape] of shapes) {
      const zeros = () => model.device.upload(new Float32Array(size(shape)), shape);
      optimiser.moments.set(name, { m: await zeros(), v: await zeros() });
    }
    return optimiser;
  }

  /**
   * Moves the parameters. On the CPU everything is written in place: each new element depends on its own old ones and
   * on gradients that were complete before this graph began.
   *
   * @param gradients under `grad.<name>`; freed afterwards where they live on the device.
   * @param scale multiplies every gradient (see `clipFactor`).
   * @param t 1-based count of updates, for the bias correction.
   */
  async update(gradients: Record<string, Value>, rate: number, scale: number, t: number): Promise<void> {
    const [beta1, beta2] = this.options.betas;
    const number = (x: number) => Value.of(Float32Array.of(x), []);
    const feeds: Record<string, Value> = {
      scale: number(scale),
      decay: number(1 - rate * this.options.weightDecay),
      rate: number(rate / (1 - beta1 ** t)),
      root: number(1 / Math.sqrt(1 - beta2 ** t)),
    };
    const into: Record<string, Value> = {};
    for (const [name, { m, v }] of this.moments) {
      const p = await this.model.value(name);
      Object.assign(feeds, {
        [name]: p,
        [`m.${name}`]: m,
        [`v.${name}`]: v,
        [`grad.${name}`]: gradients[`grad.${name}`],
      });
      Object.assign(into, { [`new.${name}`]: p, [`new.m.${name}`]: m, [`new.v.${name}`]: v });
    }
    const out = await this.program.run(feeds, this.model.device.resident ? {} : into);
    for (const [name, old] of this.moments) {
      this.model.replace(name, out[`new.${name}`]);
      const moments = { m: out[`new.m.${name}`], v: out[`new.v.${name}`] };
      if (moments.m !== old.m) {
        old.m.dispose();
        old.v.dispose();
        gradients[`grad.${name}`].dispose();
      }
      this.moments.set(name, moments);
    }
  }

  /** The moments on the host, copied, under `m.<name>` and `v.<name>`. */
  async state(): Promise<Map<string, Parameter>> {
    const tensors = new Map<string, Parameter>();
    for (const [name, { m, v }] of this.moments) {
      for (const [key, { shape }, data] of [
        [`m.${name}`, m, await this.model.device.download(m)],
        [`v.${name}`, v, await this.model.device.download(v)],
      ] as const) {
        tensors.set(key, { shape, data: Float32Array.from(data) });
      }
    }
    return tensors;
  }

  /**
   * Takes moments up again.
   *
   * @throws Error when one is missing.
   */
  async restore(tensors: ReadonlyMap<string, Parameter>): Promise<void> {
    const take = async (name: string) => {
      const tensor = tensors.get(name);
      if (!tensor) throw new Error(`the checkpoint has no "${name}"`);
      return this.model.device.upload(Float32Array.from(tensor.data), tensor.shape);
    };
    for (const [name, old] of this.moments) {
      old.m.dispose();
      old.v.dispose();
      this.moments.set(name, { m: await take(`m.${name}`), v: await take(`v.${name}`) });
    }
  }

  async dispose(): Promise<void> {
    await this.program.dispose();
    for (const { m, v } of this.moments.values()) {
      m.dispose();
      v.dispose();
    }
    this.moments.clear();
  }
}

/**
 * m′ = β₁m + (1−β₁)g, v′ = β₂v + (1−β₂)g², p′ = p·(1 − ηλ) − η/(1−β₁ᵗ) · m′/(√v′/√(1−β₂ᵗ) + ε), for each parameter,
 * with what changes from step to step fed as scalars.
 */
function updateGraph(
  shapes: ReadonlyMap<string, readonly number[]>,
  { betas: [beta1, beta2], epsilon }: OptimiserRecipe,
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
