import { createHash } from "node:crypto";
import { anonymous } from "../graph/cut.ts";
import type { OnnxGraph } from "../graph/onnx.ts";
import { size } from "../graph/shape.ts";
import { inputsOf, isBetween, type Step } from "../graph/steps.ts";
import type { ConstantTensor } from "../graph/tensor.ts";
import type { CompileOptions, Device } from "./device.ts";
import type { Program } from "./program.ts";
import type { ProgramCache } from "./programCache.ts";
import { Value } from "./value.ts";

/** What a program reads its inputs from. */
export interface Source {
  /** @throws Error for a name that there is nothing under. */
  value(input: OnnxGraph["inputs"][number]): Promise<Value>;
  /** Is told what will be read in steps to come, in their order, before a step runs. */
  ahead?(steps: readonly (readonly string[])[]): Promise<void>;
  /** Is told what the step that has just run has read. */
  done?(names: readonly string[]): Promise<void>;
}

/** A step made ready: its graph without names, and what each of its inputs and outputs is called. */
interface ReadyStep {
  readonly key: string;
  readonly outputs: Step["outputs"];
  readonly resident: readonly string[];
  /** By the input's place in the graph its name. */
  readonly feeds: ReadonlyMap<string, string>;
  readonly fetches: ReadonlyMap<string, string>;
  /** Names of inputs that no step before it gives. */
  readonly outside: readonly string[];
  /** Values that no later step reads and nobody asked for. */
  readonly drops: readonly string[];
}

/**
 * A graph that runs in steps (`graph/steps.ts`). Steps that differ in names alone share a compiled graph, here and with other
 * programs of the same cache, so a model's blocks of a kind are compiled once. Between steps only what a later one reads is
 * held.
 */
export class StepProgram {
  readonly inputs: OnnxGraph["inputs"];
  private readonly steps: readonly ReadyStep[];
  private readonly wanted: ReadonlySet<string>;
  private readonly device: Device;
  private readonly cache: ProgramCache<Program>;
  private readonly scratch: Scratch;

  /**
   * @param resident outputs that stay on the device.
   */
  constructor(
    steps: readonly Step[],
    resident: (name: string) => boolean,
    shared: { device: Device; cache: ProgramCache<Program>; scratch: Scratch },
  ) {
    this.device = shared.device;
    this.cache = shared.cache;
    this.scratch = shared.scratch;
    const wanted = new Set(
      steps.flatMap((step) => Object.keys(step.outputs).filter((name) => !isBetween(name))),
    );
    this.wanted = wanted;
    const given = new Set<string>();
    const outside = new Map<string, OnnxGraph["inputs"][number]>();
    const hashes = new Map<ConstantTensor, string>();
    const ready = steps.map((step) => {
      const reads = inputsOf(step);
      const own = reads.filter(({ name }) => !given.has(name));
      for (const each of own) outside.set(each.name, each);
      const { key, outputs, feeds, fetches } = anonymous(step.outputs, (constant) =>
        hashOf(constant, hashes),
      );
      for (const name of fetches.values()) given.add(name);
      const stays = [...fetches].filter(([, name]) => !wanted.has(name) || resident(name));
      return {
        key: hashed(`${key}\n${stays.map(([place]) => place).join(",")}`),
        outputs,
        resident: stays.map(([place]) => place),
        feeds,
        fetches,
        outside: own.map(({ name }) => name),
        reads: reads.map(({ name }) => name),
      };
    });
    this.inputs = [...outside.values()];
    const kept = new Set(wanted);
    const drops = ready.toReversed().map(({ reads, fetches }) => {
      const last = [...new Set([...reads, ...fetches.values()])].filter(
        (name) => given.has(name) && !kept.has(name),
      );
      for (const name of last) kept.add(name);
      return last;
    });
    this.steps = ready.map((step, i) => ({ ...step, drops: drops[ready.length - 1 - i]! }));
  }

  /**
   * Computes every output.
   *
   * @param into host values that outputs are written to instead of fresh memory.
   * @throws what `source` throws, and as `Program.run`.
   */
  async run(source: Source, into: Readonly<Record<string, Value>> = {}): Promise<Record<string, Value>> {
    const held = new Map<string, Value>();
    try {
      for (const [i, step] of this.steps.entries()) {
        await source.ahead?.(this.steps.slice(i + 1).map(({ outside }) => outside));
        await this.runStep(step, held, source, into);
      }
    } catch (error) {
      for (const value of held.values()) this.drop(value);
      throw error;
    } finally {
      this.scratch.trim();
    }
    return Object.fromEntries([...this.wanted].map((name) => [name, held.get(name)!]));
  }

  /** Compiled graphs belong to the cache. */
  async dispose(): Promise<void> {}

  private async runStep(
    step: ReadyStep,
    held: Map<string, Value>,
    source: Source,
    into: Readonly<Record<string, Value>>,
  ): Promise<void> {
    const { key, outputs, resident, feeds, fetches, outside, drops } = step;
    const options: CompileOptions = { resident };
    const program = await this.cache.get(key, () => this.device.compile(outputs, options));
    const fed: Record<string, Value> = {};
    for (const [place, name] of feeds) {
      const shape = program.inputs.find((each) => each.name === place);
      // Folding may have left an input without a reader.
      if (shape) fed[place] = held.get(name) ?? (await source.value({ ...shape, name }));
    }
    const written: Record<string, Value> = {};
    for (const { name: place, shape } of program.outputs) {
      const name = fetches.get(place)!;
      if (into[name]) written[place] = into[name];
      else if (!this.device.resident && !this.wanted.has(name)) written[place] = this.scratch.take(shape);
    }
    const found = await program.run(fed, written);
    for (const [place, name] of fetches) {
      const old = held.get(name);
      held.set(name, found[place]!);
      if (old && old !== found[place]) this.drop(old);
    }
    await source.done?.(outside);
    for (const name of drops) {
      const value = held.get(name);
      if (value) this.drop(value);
      held.delete(name);
    }
  }

  private drop(value: Value): void {
    if (this.device.resident) value.dispose();
    else this.scratch.give(value);
  }
}

/** Host memory for what lies between steps, used again by later ones: fresh arrays would wait for the garbage collector. */
export class Scratch {
  private readonly free = new Map<number, Value[]>();
  private readonly used = new Set<number>();

  /** Room for a tensor; what it holds is whatever was there. */
  take(shape: readonly number[]): Value {
    this.used.add(size(shape));
    const old = this.free.get(size(shape))?.pop();
    return Value.of(old?.data ?? new Float32Array(size(shape)), shape);
  }

  give(value: Value): void {
    const same = this.free.get(value.data.length) ?? [];
    same.push(value);
    this.free.set(value.data.length, same);
  }

  /** Lets go of sizes that nobody took since the last time. */
  trim(): void {
    for (const each of this.free.keys()) if (!this.used.has(each)) this.free.delete(each);
    this.used.clear();
  }
}

/** What tells a constant from others; large ones by their hash. */
function hashOf(constant: ConstantTensor, known: Map<ConstantTensor, string>): string {
  const { data } = constant;
  if (data.length <= 8) return `(${data.join(",")})`;
  const hash =
    known.get(constant) ??
    createHash("sha256")
      .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      .digest("hex");
  known.set(constant, hash);
  return hash;
}

const hashed = (text: string) => createHash("sha256").update(text).digest("hex");
