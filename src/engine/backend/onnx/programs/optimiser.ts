import type { OptimiserSpec } from "../../backend.ts";
import { momentNames } from "../../trainable.ts";
import { type Shape, size } from "../graph/shape.ts";
import { input, type Tensor } from "../graph/tensor.ts";
import type { Device } from "../runtime/device.ts";
import type { Program } from "../runtime/program.ts";
import { Value } from "../runtime/value.ts";
import { adamW, sgd, type UpdateRule, type UpdateStep } from "./updateRules.ts";

/** A parameter with the moments that its rule keeps, all of one shape. */
export interface Trained {
  readonly parameter: Value;
  readonly moments: readonly Value[];
}

/**
 * An update rule as a transform of values: parameters, moments and gradients in, new parameters and moments out. It knows
 * no model and keeps nothing.
 */
export class Optimiser {
  /** Names of the moments of a parameter, in order. */
  readonly moments: readonly string[];
  private readonly device: Device;
  private readonly rule: UpdateRule;
  private readonly program: Program;

  private constructor(device: Device, moments: readonly string[], rule: UpdateRule, program: Program) {
    this.device = device;
    this.moments = moments;
    this.rule = rule;
    this.program = program;
  }

  /** Compiles the transform for parameters of these names and shapes. */
  static async create(
    device: Device,
    shapes: ReadonlyMap<string, Shape>,
    spec: OptimiserSpec,
  ): Promise<Optimiser> {
    const rule = spec.type === "sgd" ? sgd : adamW(spec);
    const moments = momentNames(spec);
    const outputs = updateGraph(shapes, rule, moments);
    const program = await device.compile(outputs, { resident: Object.keys(outputs) });
    return new Optimiser(device, moments, rule, program);
  }

  /** The moments of a parameter before the first step. */
  zeroMoments(shape: Shape): Promise<Value[]> {
    return Promise.all(this.moments.map(() => this.device.upload(new Float32Array(size(shape)), shape)));
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
    step: UpdateStep,
  ): Promise<Map<string, Trained>> {
    const feeds: Record<string, Value> = {};
    for (const [name, x] of Object.entries(this.rule.numbers(step)))
      feeds[name] = Value.of(Float32Array.of(x), []);
    const into: Record<string, Value> = {};
    for (const [name, { parameter, moments }] of trained) {
      feeds[name] = parameter;
      feeds[`grad.${name}`] = gradients.get(name)!;
      into[`new.${name}`] = parameter;
      for (const [i, moment] of this.moments.entries()) {
        feeds[`${moment}.${name}`] = moments[i]!;
        into[`new.${moment}.${name}`] = moments[i]!;
      }
    }
    const out = await this.program.run(feeds, this.device.resident ? {} : into);
    return new Map(
      [...trained.keys()].map((name) => [
        name,
        {
          parameter: out[`new.${name}`]!,
          moments: this.moments.map((moment) => out[`new.${moment}.${name}`]!),
        },
      ]),
    );
  }

  async dispose(): Promise<void> {
    await this.program.dispose();
  }
}

/** The rule for each parameter, with what changes from step to step fed as scalars. */
function updateGraph(
  shapes: ReadonlyMap<string, Shape>,
  rule: UpdateRule,
  moments: readonly string[],
): Record<string, Tensor> {
  const numbers = new Map<string, Tensor>();
  const number = (name: string) => numbers.get(name) ?? numbers.set(name, input(name, [])).get(name)!;
  const move = rule.over(number);
  const outputs: Record<string, Tensor> = {};
  for (const [name, shape] of shapes) {
    const { parameter, moments: moved } = move(
      input(name, shape),
      input(`grad.${name}`, shape),
      moments.map((moment) => input(`${moment}.${name}`, shape)),
    );
    outputs[`new.${name}`] = parameter;
    for (const [i, moment] of moments.entries()) outputs[`new.${moment}.${name}`] = moved[i]!;
  }
  return outputs;
}
