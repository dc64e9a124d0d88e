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
import {
  memoryTensor,
  type OnProgress,
  type Parameter,
  type StoredTensor,
  type Weights,
} from "../../../model/weights.ts";
import { type Backward, differentiated } from "../graph/autodiff.ts";
import { stepsOf } from "../graph/steps.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Device } from "../runtime/device.ts";
import type { Program } from "../runtime/program.ts";
import { ProgramCache } from "../runtime/programCache.ts";
import { Scratch, StepProgram } from "../runtime/stepProgram.ts";
import type { Value } from "../runtime/value.ts";
import { Decoder, type DecoderOptions } from "./decoder.ts";
import { loraFactors } from "./loraFactors.ts";
import { frozenNames, type LoraPlan, ParameterInputs } from "./parameters.ts";
import { type HeldWeights, ParameterValues } from "./parameterValues.ts";
import { StreamedWeights } from "./streamedWeights.ts";

/** Compiled graphs a model keeps: enough for the length buckets of a stage, its probes and a generation. */
const programLimit = 24;
/** The same of the graphs that steps share: a handful for each bucket. */
const stepLimit = 96;

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
  readonly weights?: HeldWeights;
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
  /** Parameters as graphs are fed them. */
  readonly parameters: ParameterValues;
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  private readonly streamed: StreamedWeights;
  private readonly programs = new ProgramCache<Runnable>(programLimit);
  private readonly steps = new ProgramCache<Program>(stepLimit);
  private readonly scratch = new Scratch();
  private readonly held: Held;
  private plan: LoraPlan = new Map();
  /** What finished stages learned for weights that they are not merged into. */
  private finished: Adapter = { modules: new Map(), baseModel: null };

  constructor(device: Device, architecture: Architecture, weights: Weights, held: Held = { mode: "keep" }) {
    this.device = device;
    this.architecture = architecture;
    this.weights = weights;
    this.held = held;
    this.shapes = parameterShapes(architecture);
    this.parameters = new ParameterValues(device, new Map(weights), this.shapes, held.weights ?? "float32");
    const keptBlocks = held.mode === "stream" ? (held.keptBlocks ?? 0) : null;
    this.streamed = new StreamedWeights(this.parameters, this.shapes, keptBlocks);
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
      await this.parameters.ready();
      const { movesEmbeddings = false, resident = () => false, ...rest } = options;
      const whole = this.held.mode === "keep" || movesEmbeddings;
      const { headRows = headRowsOf(this.architecture) } = this.held;
      const parameters = this.inputs(!whole);
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
    await this.parameters.ready();
    const parameters = this.inputs(true);
    const outputs = build((options) => new Decoder(this.architecture, parameters, options), parameters);
    return new StepProgram([{ outputs }], () => false, {
      device: this.device,
      cache: this.steps,
      scratch: this.scratch,
    });
  }

  /** The parameters as the inputs of a graph. */
  private inputs(gathered: boolean): ParameterInputs {
    return new ParameterInputs(this.shapes, this.plan, {
      gathered,
      frozen: loraFactors(this.finished).plan,
      forms: (name) => this.parameters.formOf(name),
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
      feeds[input.name] ?? make(input) ?? (await this.streamed.read(input.name, feeds));
    if (program instanceof StepProgram) {
      const ahead = (steps: readonly (readonly string[])[]) => this.streamed.readAhead(steps);
      try {
        return await program.run({ value, ahead, done: (names) => this.streamed.drop(names) }, into);
      } finally {
        await this.streamed.drop();
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
    const staying = [...this.weights].filter(([name]) => !this.streamed.isStreamed(name));
    const total = staying.reduce((sum, [, { bytes }]) => sum + bytes, 0);
    let done = 0;
    await this.parameters.ready();
    for (const [name, { bytes }] of staying) {
      if (this.parameters.formOf(name).kind === "float32") await this.parameters.value(name);
      else
        for (const [each, value] of await this.parameters.readParts(name))
          this.parameters.replace(each, value);
      done += bytes;
      onProgress?.({ done, total });
    }
  }

  /** Attaches an adapter: from now on every graph built over this model runs through it. */
  async attach(plan: LoraPlan, factors: ReadonlyMap<string, Parameter>): Promise<void> {
    await this.forgetPrograms();
    this.plan = plan;
    for (const [name, { data, shape }] of factors)
      this.parameters.replace(name, await this.device.upload(data, shape));
  }

  /** Takes the adapter off again, without merging it. */
  async detach(names: Iterable<string>): Promise<void> {
    await this.forgetPrograms();
    this.plan = new Map();
    for (const name of names) this.parameters.forget(name);
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
    this.parameters.base.set(name, stored);
    this.parameters.forget(name);
  }

  /**
   * Makes weights ready to be trained: those that are held as they are stored become float32 masters, with what finished stages
   * learned for them.
   *
   * @throws DiscernError as `StoredTensor.float32`.
   */
  async prepare(names: Iterable<string>): Promise<void> {
    await this.parameters.ready();
    const stored = [...names].filter((name) => this.parameters.formOf(name).kind !== "float32");
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
    const value = await this.parameters.value(name);
    const tensor = memoryTensor({ shape: value.shape, data: await this.device.download(value) });
    this.weights.set(name, tensor);
    this.parameters.base.set(name, tensor);
  }

  /**
   * Makes an adapter part of the model. It is added to weights that are held in float32; on others it stays, frozen: in bfloat16
   * the sum would lose a tenth to a quarter of it.
   *
   * @throws DiscernError `adapter-invalid` when a weight is not there; nothing is changed then.
   */
  async merge(adapter: Adapter): Promise<void> {
    await this.parameters.ready();
    mergeAdapter(this.weights, adapter);
    const kept = new Map<string, LoraModule>();
    for (const [module, lora] of adapter.modules) {
      const name = `${module}.weight`;
      if (this.parameters.formOf(name).kind !== "float32") {
        kept.set(module, lora);
        continue;
      }
      const value = this.parameters.kept(name);
      if (value && !value.onDevice) {
        // The same sum, without reading the weight again.
        addUpdate(value.data, lora);
        this.weights.set(name, memoryTensor(value));
      } else {
        this.parameters.forget(name);
      }
      this.parameters.base.set(name, this.weights.get(name)!);
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
      this.parameters.forget(a);
      this.parameters.forget(b);
    }
    this.finished = adapter;
    for (const [module, { a, b }] of adapter.modules) {
      const names = frozenNames(module);
      this.parameters.replace(names.a, await this.device.upload(a.data, a.shape));
      this.parameters.replace(names.b, await this.device.upload(b.data, b.shape));
    }
  }

  /** Frees compiled graphs and device buffers. */
  async dispose(): Promise<void> {
    await this.forgetPrograms();
    this.parameters.dispose();
  }
}
