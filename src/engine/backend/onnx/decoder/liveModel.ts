import { setImmediate as breathe } from "node:timers/promises";
import type { Memory } from "../../../../protocol/backend.ts";
import { float, headPieceBytes } from "../../../../recipe/memoryPlan.ts";
import {
  type Adapter,
  addUpdate,
  concatAdapters,
  type LoraModule,
  mergeAdapter,
} from "../../../model/adapter.ts";
import { type Architecture, parameterShapes } from "../../../model/architecture.ts";
import { type Form, formOf, type Kernels, partsOf } from "../../../model/forms.ts";
import {
  memoryTensor,
  type OnProgress,
  type Parameter,
  type Rows,
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
import { loraFactors } from "./loraFactors.ts";
import {
  frozenNames,
  gatheredOf,
  type LoraPlan,
  ParameterInputs,
  partName,
  partOf,
  rowsOf,
  weightOf,
} from "./parameters.ts";
import { type ReadPart, storedParts } from "./storedParts.ts";

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
  /** How weights are held: widened once, or as they are stored and widened product by product. The former where left out. */
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
  /** What graphs read: finished adapters are not in those that are held as they are stored. */
  private readonly base: Weights;
  private readonly values = new Map<string, Value>();
  private readonly reading = new Map<string, Promise<Value>>();
  /** Weights that are read ahead of use, and dropped after it. */
  private readonly coming = new Map<string, Promise<Value>>();
  private readonly programs = new ProgramCache<Runnable>(programLimit);
  private readonly steps = new ProgramCache<Program>(stepLimit);
  private readonly scratch = new Scratch();
  private readonly held: Held;
  private plan: LoraPlan = new Map();
  /** What finished stages learned for weights that they are not merged into. */
  private finished: Adapter = { modules: new Map(), baseModel: null };
  private kernels: Kernels | null = null;

  constructor(device: Device, architecture: Architecture, weights: Weights, held: Held = { mode: "keep" }) {
    this.device = device;
    this.architecture = architecture;
    this.weights = weights;
    this.base = new Map(weights);
    this.held = held;
    this.shapes = parameterShapes(architecture);
  }

  /** The modules that carry an adapter at present. */
  get lora(): LoraPlan {
    return this.plan;
  }

  /** The adapter that finished stages left on weights that are held as they are stored. */
  get frozen(): Adapter {
    return this.finished;
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
      await this.ready();
      const { movesEmbeddings = false, resident = () => false, ...rest } = options;
      const whole = this.held.mode === "keep" || movesEmbeddings;
      const { headRows = headRowsOf(this.architecture) } = this.held;
      const parameters = this.parameters(!whole);
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
   * A graph that is run as one step, so that what is written for one block is compiled once for all blocks of its kind. It is not
   * kept here. Rows of embeddings and head are fed.
   *
   * @param build is given what makes a decoder; all of them read the same parameters.
   */
  async step(
    build: (
      decoder: (options?: DecoderOptions) => Decoder,
      parameters: ParameterInputs,
    ) => Record<string, Tensor>,
  ): Promise<StepProgram> {
    await this.ready();
    const parameters = this.parameters(true);
    const outputs = build((options) => new Decoder(this.architecture, parameters, options), parameters);
    return new StepProgram([{ outputs }], () => false, {
      device: this.device,
      cache: this.steps,
      scratch: this.scratch,
    });
  }

  /** The parameters as the inputs of a graph. */
  private parameters(gathered: boolean): ParameterInputs {
    return new ParameterInputs(this.shapes, this.plan, {
      gathered,
      frozen: loraFactors(this.finished).plan,
      forms: (name) => this.formOf(name),
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
    await this.ready();
    for (const [name, { bytes }] of staying) {
      if (this.formOf(name).kind === "float32") await this.value(name);
      else for (const [each, value] of await this.readParts(name)) this.replace(each, value);
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
    return this.coming.get(name) ?? this.begin(name);
  }

  /** Begins to read a weight that is dropped after use; where it is fed as parts, all of them. */
  private begin(name: string): Promise<Value> {
    const part = partOf(name);
    if (part === null) {
      const coming = this.readValue(name);
      this.coming.set(name, coming);
      return coming;
    }
    const parts = this.readParts(part.weight);
    for (const each of this.partNames(part.weight)) {
      const coming = parts.then((found) => found.get(each)!);
      // What goes wrong is thrown where a part is used.
      coming.catch(() => undefined);
      this.coming.set(each, coming);
    }
    return this.coming.get(name)!;
  }

  /** Whether a weight is read anew for every use. What training has moved is not. */
  private isStreamed(name: string): boolean {
    const { mode, keptBlocks = 0 } = this.held;
    if (mode !== "stream") return false;
    const weight = weightOf(name);
    const layer = /^model\.layers\.(\d+)\./.exec(weight)?.[1];
    // Norms stay; the embeddings are read by rows, the head in pieces.
    if (layer === undefined) return this.shapes.get(weight)?.length === 2;
    return Number(layer) >= keptBlocks && this.weights.has(weight);
  }

  /** Begins to read what the next step that streams weights will need. */
  private async readAhead(steps: readonly (readonly string[])[]): Promise<void> {
    const wanted = (names: readonly string[]) =>
      names.filter((name) => gatheredOf(name) === null && this.isStreamed(name) && !this.values.has(name));
    const next = steps.map(wanted).find((names) => names.length > 0) ?? [];
    for (const name of next) {
      if (this.coming.has(name)) continue;
      // What goes wrong is thrown where the weight is used.
      this.begin(name).catch(() => undefined);
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
    const stored = this.base.get(name);
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
    const part = partOf(name);
    if (part !== null) {
      const parts = await this.readParts(part.weight);
      for (const [each, value] of parts) if (each !== name) this.replace(each, value);
      return parts.get(name)!;
    }
    const rows = rowsOf(name);
    const base = weightOf(name);
    const stored = this.base.get(base);
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

  /** Reads a weight, or rows of it, as the parts it is fed as; by the names they are fed under. */
  private async readParts(called: string): Promise<ReadonlyMap<string, Value>> {
    await this.ready();
    const name = weightOf(called);
    const form = this.formOf(name);
    const stored = this.base.get(name);
    if (!stored || form.kind === "float32") throw new Error(`the model has no parts of "${name}"`);
    const found = new Map<string, Value>();
    const rows = rowsOf(called) ?? undefined;
    for (const { part, data, shape, dtype } of rows
      ? (this.partsInMemory(name, form, rows) ?? (await storedParts(stored, form, rows)))
      : await storedParts(stored, form)) {
      found.set(partName(called, part), await this.device.upload(data, shape, dtype));
    }
    return found;
  }

  /** Rows of a weight whose parts lie in host memory already, over the same arrays; null where they do not. */
  private partsInMemory(name: string, form: Form, rows: Rows): ReadPart[] | null {
    const stored = this.base.get(name)!;
    const parts: ReadPart[] = [];
    for (const part of partsOf(form, [rows.to - rows.from, ...stored.shape.slice(1)])) {
      const whole = this.values.get(partName(name, part.part));
      if (!whole || whole.onDevice) return null;
      const width = size(part.shape) / part.shape[0]!;
      const own =
        part.part === "factor" ? whole.elements : whole.elements.subarray(rows.from * width, rows.to * width);
      parts.push({ ...part, data: own });
    }
    return parts;
  }

  private partNames(called: string): string[] {
    const name = weightOf(called);
    return partsOf(this.formOf(name), this.shapes.get(name)!).map(({ part }) => partName(called, part));
  }

  /** Finds out what kernels there are, where the form of a weight depends on it. */
  private async ready(): Promise<void> {
    if (this.held.weights !== "stored" || this.kernels !== null) return;
    const halves = [...this.base.values()].some(({ type }) => type === "F16" || type === "BF16");
    this.kernels = halves ? await this.device.kernels() : { device: this.device.name, float16: false };
  }

  /** How a weight lies on this device. */
  private formOf(name: string): Form {
    const tensor = this.base.get(name);
    if (!tensor || this.kernels === null) return { kind: "float32" };
    return formOf(tensor.type, tensor.shape, this.held.weights ?? "float32", this.kernels);
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

  /** Puts weights in the place of those of the same names, and of what finished stages learned for them. */
  async adopt(weights: ReadonlyMap<string, StoredTensor>): Promise<void> {
    await this.forgetPrograms();
    for (const [name, tensor] of weights) {
      if (!this.weights.has(name)) continue;
      // Training changes arrays in place, and one in memory is someone else's.
      const own = tensor.memory
        ? memoryTensor({ shape: tensor.shape, data: Float32Array.from(tensor.memory) })
        : tensor;
      this.overwrite(name, own);
    }
    const modules = [...this.finished.modules].filter(([module]) => !weights.has(`${module}.weight`));
    await this.keep({ modules: new Map(modules), baseModel: null });
  }

  /** Puts other numbers in a weight's place. An array in memory is the model's from now on, and is changed by training. */
  overwrite(name: string, stored: StoredTensor): void {
    this.weights.set(name, stored);
    this.base.set(name, stored);
    this.forget(name);
  }

  /**
   * Makes weights ready to be trained: those that are held as they are stored become float32 masters, with what finished stages
   * learned for them.
   *
   * @throws DiscernError as `StoredTensor.float32`.
   */
  async prepare(names: Iterable<string>): Promise<void> {
    await this.ready();
    const stored = [...names].filter((name) => this.formOf(name).kind !== "float32");
    if (stored.length === 0) return;
    await this.forgetPrograms();
    for (const name of stored) {
      const tensor = this.weights.get(name)!;
      this.overwrite(name, memoryTensor({ shape: tensor.shape, data: await tensor.float32() }));
    }
    const modules = [...this.finished.modules].filter(([module]) => !stored.includes(`${module}.weight`));
    await this.keep({ modules: new Map(modules), baseModel: null });
  }

  /** Makes a weight what the device holds under its name, once training has moved it. */
  async settle(name: string): Promise<void> {
    const value = await this.value(name);
    const tensor = memoryTensor({ shape: value.shape, data: await this.device.download(value) });
    this.weights.set(name, tensor);
    this.base.set(name, tensor);
  }

  /**
   * Makes an adapter part of the model. It is added to weights that are held in float32; on others it stays, frozen: in bfloat16
   * the sum would lose a tenth to a quarter of it.
   *
   * @throws DiscernError `adapter-invalid` when a weight is not there; nothing is changed then.
   */
  async merge(adapter: Adapter): Promise<void> {
    await this.ready();
    mergeAdapter(this.weights, adapter);
    const kept = new Map<string, LoraModule>();
    for (const [module, lora] of adapter.modules) {
      const name = `${module}.weight`;
      if (this.formOf(name).kind !== "float32") {
        kept.set(module, lora);
        continue;
      }
      const value = this.values.get(name);
      if (value && !value.onDevice) {
        // The same sum, without reading the weight again.
        addUpdate(value.data, lora);
        this.weights.set(name, memoryTensor(value));
      } else {
        this.forget(name);
      }
      this.base.set(name, this.weights.get(name)!);
    }
    if (kept.size > 0) {
      await this.keep(concatAdapters([this.finished, { modules: kept, baseModel: null }]));
    }
  }

  /** Puts an adapter in the place of the one that finished stages made so far. */
  private async keep(adapter: Adapter): Promise<void> {
    await this.forgetPrograms();
    for (const module of this.finished.modules.keys()) {
      const { a, b } = frozenNames(module);
      this.forget(a);
      this.forget(b);
    }
    this.finished = adapter;
    for (const [module, { a, b }] of adapter.modules) {
      const names = frozenNames(module);
      this.replace(names.a, await this.device.upload(a.data, a.shape));
      this.replace(names.b, await this.device.upload(b.data, b.shape));
    }
  }

  /** Makes the device read a weight anew. */
  private forget(name: string): void {
    for (const each of [...this.values.keys()]) {
      if (each !== name && weightOf(each) !== name) continue;
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
