import { type Architecture, parameterShapes } from "../../../model/architecture.ts";
import type { Parameter, Weights } from "../../../model/weights.ts";
import { gradients } from "../graph/autodiff.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Device } from "../runtime/device.ts";
import type { Program } from "../runtime/program.ts";
import { ProgramCache } from "../runtime/programCache.ts";
import type { Value } from "../runtime/value.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import { type LoraPlan, ParameterInputs } from "./parameters.ts";

/** Compiled graphs a model keeps: enough for the length buckets of a stage, its probes and a generation. */
const programLimit = 24;

/**
 * A model at work: its parameters where the device wants them, the adapter being trained, and the graphs compiled for
 * both. Training, probing and generating share one such object, so a probe sees the weights of the step it follows.
 */
export class LiveModel {
  readonly device: Device;
  readonly architecture: Architecture;
  /** Host copies in float32. On the CPU they are what the graphs read; training changes them in place. */
  readonly weights: Weights;
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  private readonly values = new Map<string, Value>();
  private readonly programs = new ProgramCache(programLimit);
  private plan: LoraPlan = new Map();

  constructor(device: Device, architecture: Architecture, weights: Weights) {
    this.device = device;
    this.architecture = architecture;
    this.weights = weights;
    this.shapes = parameterShapes(architecture);
  }

  /** The modules that carry an adapter at present. */
  get lora(): LoraPlan {
    return this.plan;
  }

  /**
   * A compiled graph over this model.
   *
   * @param key names the graph and its shapes; the same key must always mean the same graph.
   * @param build writes the graph, given a decoder and the inputs it declares; returns the outputs.
   * @param resident outputs that stay on the device.
   */
  program(
    key: string,
    build: (decoder: Decoder, parameters: ParameterInputs) => Record<string, Tensor>,
    options: DecoderOptions & { resident?: (name: string) => boolean } = {},
  ): Promise<Program> {
    return this.programs.get(key, () => {
      const parameters = new ParameterInputs(this.shapes, this.plan);
      const outputs = build(new Decoder(this.architecture, parameters, options), parameters);
      const resident = options.resident ? Object.keys(outputs).filter(options.resident) : [];
      return this.device.compile(outputs, { resident });
    });
  }

  /**
   * Names of the parameters that a loss moves: those it has a gradient for, which is fewer than its graph reads where a
   * part is held constant. Nothing is compiled.
   */
  moves(loss: (decoder: Decoder) => Tensor): Set<string> {
    const parameters = new ParameterInputs(this.shapes);
    const scalar = loss(new Decoder(this.architecture, parameters));
    const read = parameters.all();
    const found = gradients(scalar, read);
    return new Set(read.filter((_, i) => found[i] !== null).map(({ name }) => name));
  }

  /** Runs a program on this model's parameters and `feeds`; `into` as in `Program.run`. */
  async run(
    program: Program,
    feeds: Record<string, Value>,
    into: Record<string, Value> = {},
  ): Promise<Record<string, Value>> {
    const all: Record<string, Value> = { ...feeds };
    for (const { name } of program.inputs) if (!all[name]) all[name] = await this.value(name);
    return program.run(all, into);
  }

  /**
   * A parameter, base or adapter, where the device wants it; uploaded at first use.
   *
   * @throws Error when neither the model nor its adapter has it.
   */
  async value(name: string): Promise<Value> {
    let value = this.values.get(name);
    if (!value) {
      const weight = this.weights.get(name);
      if (!weight) throw new Error(`the model has no parameter "${name}"`);
      value = await this.device.upload(weight.data, weight.shape);
      this.values.set(name, value);
    }
    return value;
  }

  /** Puts a new value under a parameter's name; the one it replaces is freed. */
  replace(name: string, value: Value): void {
    const old = this.values.get(name);
    if (old === value) return;
    old?.dispose();
    this.values.set(name, value);
  }

  /** Attaches an adapter: from now on every graph built over this model runs through it. */
  async attach(plan: LoraPlan, factors: ReadonlyMap<string, Parameter>): Promise<void> {
    await this.forgetPrograms();
    this.plan = plan;
    for (const [name, { data, shape }] of factors) this.replace(name, await this.device.upload(data, shape));
  }

  /** Takes the adapter off again, without merging it. */
  async detach(names: Iterable<string>): Promise<void> {
    await this.forgetPrograms();
    this.plan = new Map();
    for (const name of names) {
      this.values.get(name)?.dispose();
      this.values.delete(name);
    }
  }

  /** Frees compiled graphs, so that their keys may mean other graphs from now on. */
  async forgetPrograms(): Promise<void> {
    await this.programs.dispose();
  }

  /** Makes the device read the host's weights anew, after they were changed there (a merge, a restored checkpoint). */
  forgetUploads(): void {
    for (const [name, value] of this.values) {
      if (!this.weights.has(name)) continue;
      value.dispose();
      this.values.delete(name);
    }
  }

  /** Frees compiled graphs and device buffers. */
  async dispose(): Promise<void> {
    await this.forgetPrograms();
    for (const value of this.values.values()) value.dispose();
    this.values.clear();
  }
}
