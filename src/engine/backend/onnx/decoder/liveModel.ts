import { setImmediate as breathe } from "node:timers/promises";
import type { Memory } from "../../../../protocol/backend.ts";
import { float, headPieceBytes } from "../../../../recipe/memoryPlan.ts";
import { type Adapter, addUpdate, mergeAdapter } from "../../../model/adapter.ts";
import { type Architecture, parameterShapes } from "../../../model/architecture.ts";
import {
  memoryTensor,
  type OnProgress,
  type Parameter,
  type StoredTensor,
  type Weights,
} from "../../../model/weights.ts";
import { type Backward, differentiated } from "../graph/autodiff.ts";
import { size } from "../graph/shape.ts";
import { stepsOf } from "../graph/steps.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Device } from "../runtime/device.ts";
import type { Program } from "../runtime/program.ts";
import { ProgramCache } from "../runtime/programCache.ts";
import { Scratch, StepProgram } from "../runtime/stepProgram.ts";
import { Value } from "../runtime/value.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import { gatheredOf, type LoraPlan, ParameterInputs, rowsOf } from "./parameters.ts";

/** Compiled graphs a model keeps: enough for the length buckets of a stage, its probes and a generation. */
const programLimit = 24;
/** The same of the graphs that steps share: a handful for each bucket. */
const stepLimit = 96;

/** Rows that are read from a file at a time. */
const rowsAtOnce = 32;

/** Outputs of a graph, and what is derived of gradients. */
export interface Written {
  readonly outputs: Record<string, Tensor>;
  readonly backward?: Backward;
}

/** A graph that is ready to run, at once or in steps. */
export type Runnable = Program | StepProgram;

interface ProgramOptions extends DecoderOptions {
  readonly resident?: (name: string) => boolean;
  /** Whether a gradient of embeddings or head is wanted: they are then read as one. */
  readonly movesEmbeddings?: boolean;
}

/** Rows of the head that are multiplied at a time where memory is short: as many as the plan counts with. */
function headRowsOf({ vocabSize, hiddenSize }: Architecture): number {
  const pieces = Math.ceil((float * vocabSize * hiddenSize) / headPieceBytes);
  return Math.ceil(vocabSize / pieces);
}

/** How a model is held: what of a memory plan concerns its graphs. */
export interface Held {
  readonly mode: Exclude<Memory, "auto">;
  /** Whether weights that stay are widened to float32 once, or held as they are stored; widened where left out. */
  readonly weights?: "float32" | "stored";
  /** Rows of the head that are multiplied at a time where graphs are cut; as many as the plan counts with where left out. */
  readonly headRows?: number;
  /** Blocks, from the first, whose weights stay where the others are streamed; none where left out. */
  readonly keptBlocks?: number;
}

/**
 * A model at work: its parameters where the device wants them, the adapter being trained, and the graphs compiled for
 * both. Training, probing and generating share one such object, so a probe sees the weights of the step it follows.
 */
export class LiveModel {
  readonly device: Device;
  readonly architecture: Architecture;
  /** What the model is, as it is stored: what was learned is in it once its stage is finished. */
  readonly weights: Weights;
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  private readonly values = new Map<string, Value>();
  private readonly reading = new Map<string, Promise<Value>>();
  /** Weights that are read ahead of use, and dropped after it. */
  private readonly coming = new Map<string, Promise<Value>>();
  private readonly programs = new ProgramCache<Runnable>(programLimit);
  private readonly steps = new ProgramCache<Program>(stepLimit);
  private readonly scratch = new Scratch();
  private readonly held: Held;
  private plan: LoraPlan = new Map();

  constructor(device: Device, architecture: Architecture, weights: Weights, held: Held = { mode: "keep" }) {
    this.device = device;
    this.architecture = architecture;
    this.weights = weights;
    this.held = held;
    this.shapes = parameterShapes(architecture);
  }

  /** The modules that carry an adapter at present. */
  get lora(): LoraPlan {
    return this.plan;
  }

  /**
   * A graph over this model, made ready to run: compiled as one, or cut at the blocks and run in steps.
   *
   * @param key names the graph and its shapes; the same key must always mean the same graph.
   * @param build writes the graph, given a decoder and the inputs it declares; returns the outputs.
   * @param resident outputs that stay on the device.
   */
  program(
    key: string,
    build: (decoder: Decoder, parameters: ParameterInputs) => Record<string, Tensor>,
    options: ProgramOptions = {},
  ): Promise<Runnable> {
    return this.differentiated(
      key,
      (decoder, parameters) => ({ outputs: build(decoder, parameters) }),
      options,
    );
  }

  /** The same for a graph with a backward pass. */
  differentiated(
    key: string,
    build: (decoder: Decoder, parameters: ParameterInputs) => Written,
    options: ProgramOptions = {},
  ): Promise<Runnable> {
    return this.programs.get(key, async () => {
      const { movesEmbeddings = false, resident = () => false, ...rest } = options;
      const whole = this.held.mode === "keep" || movesEmbeddings;
      const { headRows = headRowsOf(this.architecture) } = this.held;
      const parameters = new ParameterInputs(this.shapes, this.plan, { gathered: !whole });
      const decoder = new Decoder(this.architecture, parameters, { ...rest, ...(!whole && { headRows }) });
      const { outputs, backward } = build(decoder, parameters);
      if (this.held.mode === "keep") {
        const all = { ...outputs, ...(backward && differentiated(backward)) };
        return this.device.compile(all, { resident: Object.keys(all).filter(resident) });
      }
      const steps = stepsOf(outputs, decoder.cuts, backward);
      return new StepProgram(steps, resident, {
        device: this.device,
        cache: this.steps,
        scratch: this.scratch,
      });
    });
  }

  /**
   * Runs a program on this model's parameters and `feeds`; `into` as in `Program.run`.
   *
   * @param make a feed that is made when it is read, and not kept.
   */
  async run(
    program: Runnable,
    feeds: Record<string, Value>,
    into: Record<string, Value> = {},
    make: (input: Runnable["inputs"][number]) => Value | null = () => null,
  ): Promise<Record<string, Value>> {
    const value = async (input: Runnable["inputs"][number]) =>
      feeds[input.name] ?? make(input) ?? (await this.read(input.name, feeds));
    if (program instanceof StepProgram) {
      const ahead = (steps: readonly (readonly string[])[]) => this.readAhead(steps);
      try {
        return await program.run({ value, ahead, done: (names) => this.dropStreamed(names) }, into);
      } finally {
        await this.dropStreamed([...this.coming.keys()]);
      }
    }
    const all: Record<string, Value> = {};
    for (const input of program.inputs) all[input.name] = await value(input);
    return program.run(all, into);
  }

  /**
   * Reads all weights that stay in memory to where the device wants them, so that faults of a file are found before anything
   * is computed.
   *
   * @param onProgress is told after each tensor, and ends the reading by what it throws.
   * @throws DiscernError as `StoredTensor.float32`.
   */
  async readAll(onProgress?: OnProgress): Promise<void> {
    const staying = [...this.weights].filter(([name]) => !this.isStreamed(name));
    const total = staying.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    let done = 0;
    for (const [name, { bytes }] of staying) {
      await this.value(name);
      done += bytes;
      onProgress?.({ done, total });
    }
  }

  /**
   * A parameter, base or adapter, where the device wants it; read at first use.
   *
   * @throws Error when neither the model nor its adapter has it; DiscernError as `StoredTensor.float32`.
   */
  async value(name: string): Promise<Value> {
    const known = this.values.get(name) ?? this.reading.get(name);
    if (known) return known;
    const reading = this.readValue(name).finally(() => this.reading.delete(name));
    this.reading.set(name, reading);
    const value = await reading;
    this.values.set(name, value);
    return value;
  }

  /** What a graph reads under a name that is not fed: a parameter, or rows of one that a feed of token ids names. */
  private async read(name: string, feeds: Record<string, Value>): Promise<Value> {
    const rows = gatheredOf(name);
    if (rows) return this.gather(rows.name, feeds[rows.indices]!);
    if (!this.isStreamed(name) || this.values.has(name)) return this.value(name);
    const coming = this.coming.get(name) ?? this.readValue(name);
    this.coming.set(name, coming);
    return coming;
  }

  /** Whether a weight is read anew for every use. What training has moved is not. */
  private isStreamed(name: string): boolean {
    const { mode, keptBlocks = 0 } = this.held;
    if (mode !== "stream") return false;
    const layer = /^model\.layers\.(\d+)\./.exec(name)?.[1];
    // Norms stay; the embeddings are read by rows, the head in pieces.
    if (layer === undefined) return this.shapes.get(rowsOf(name)?.name ?? name)?.length === 2;
    return Number(layer) >= keptBlocks && this.weights.has(name);
  }

  /** Begins to read what the next step that streams weights will need. */
  private async readAhead(steps: readonly (readonly string[])[]): Promise<void> {
    const wanted = (names: readonly string[]) =>
      names.filter((name) => gatheredOf(name) === null && this.isStreamed(name) && !this.values.has(name));
    const next = steps.map(wanted).find((names) => names.length > 0) ?? [];
    for (const name of next) {
      if (this.coming.has(name)) continue;
      const coming = this.readValue(name);
      // What goes wrong is thrown where the weight is used.
      coming.catch(() => undefined);
      this.coming.set(name, coming);
    }
    // A step blocks the thread: reads are under way once their files are open.
    if (next.length > 0) await breathe();
  }

  private async dropStreamed(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const coming = this.coming.get(name);
      this.coming.delete(name);
      await coming?.then(
        (value) => value.dispose(),
        () => undefined,
      );
    }
  }

  /** Rows of a parameter, by whole numbers that are fed: (rows, …), in host memory. */
  private async gather(name: string, indices: Value): Promise<Value> {
    const stored = this.weights.get(name);
    if (!stored) throw new Error(`the model has no parameter "${name}"`);
    const [, ...rest] = stored.shape;
    const width = size(rest);
    const ids = indices.data as unknown as Int32Array;
    const data = new Float32Array(ids.length * width);
    const known = this.values.get(name);
    const whole = known && (await this.device.download(known));
    const rows = new Map<number, Float32Array>();
    const wanted = [...new Set(ids)];
    for (let i = 0; i < wanted.length; i += rowsAtOnce) {
      const read = async (id: number) => {
        const own = whole?.subarray(id * width, (id + 1) * width);
        rows.set(id, own ?? (await stored.float32({ from: id, to: id + 1 })));
      };
      await Promise.all(wanted.slice(i, i + rowsAtOnce).map(read));
    }
    for (const [i, id] of ids.entries()) data.set(rows.get(id)!, i * width);
    return Value.of(data, [ids.length, ...rest]);
  }

  private async readValue(name: string): Promise<Value> {
    const rows = rowsOf(name);
    const base = rows?.name ?? name;
    const stored = this.weights.get(base);
    if (!stored) throw new Error(`the model has no parameter "${base}"`);
    if (!rows) return this.device.upload(await stored.float32(), stored.shape);
    const [count, ...rest] = stored.shape;
    const shape = [rows.to - rows.from, ...rest];
    const whole = this.values.get(base);
    if (!whole || whole.onDevice) return this.device.upload(await stored.float32(rows), shape);
    // Rows of an array in host memory are a part of it.
    const width = whole.data.length / count!;
    return this.device.upload(whole.data.subarray(rows.from * width, rows.to * width), shape);
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
    for (const name of names) this.forget(name);
  }

  /** Frees compiled graphs, so that their keys may mean other graphs from now on. */
  async forgetPrograms(): Promise<void> {
    await this.programs.dispose();
    await this.steps.dispose();
  }

  /** Puts other numbers in a weight's place. An array in memory is the model's from now on, and is changed by training. */
  overwrite(name: string, stored: StoredTensor): void {
    this.weights.set(name, stored);
    this.forget(name);
  }

  /** Makes a weight what the device holds under its name, once training has moved it. */
  async settle(name: string): Promise<void> {
    const value = await this.value(name);
    this.weights.set(name, memoryTensor({ shape: value.shape, data: await this.device.download(value) }));
  }

  /**
   * Adds what an adapter does to the weights it adapts.
   *
   * @throws DiscernError `adapter-invalid` when a weight is not there; nothing is changed then.
   */
  merge(adapter: Adapter): void {
    mergeAdapter(this.weights, adapter);
    for (const [module, lora] of adapter.modules) {
      const name = `${module}.weight`;
      const value = this.values.get(name);
      if (value && !value.onDevice) {
        // The same sum, without reading the weight again.
        addUpdate(value.data, lora);
        this.weights.set(name, memoryTensor(value));
      } else {
        this.forget(name);
      }
    }
  }

  /** Makes the device read a weight anew. */
  private forget(name: string): void {
    for (const each of [...this.values.keys()]) {
      if (each !== name && rowsOf(each)?.name !== name) continue;
      this.values.get(each)?.dispose();
      this.values.delete(each);
    }
  }

  /** Frees compiled graphs and device buffers. */
  async dispose(): Promise<void> {
    await this.forgetPrograms();
    for (const value of this.values.values()) value.dispose();
    this.values.clear();
  }
}
