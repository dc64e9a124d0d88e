import { type Form, formOf, type Kernels, partsOf } from "../../../model/forms.ts";
import type { Rows, Weights } from "../../../model/weights.ts";
import { size } from "../graph/shape.ts";
import type { Device } from "../runtime/device.ts";
import { Value } from "../runtime/value.ts";
import { partName, partOf, rowsOf, weightOf } from "./parameters.ts";
import { type ReadPart, storedParts } from "./storedParts.ts";

/** Rows that are read from a file at a time. */
const rowsAtOnce = 32;

/** How weights are held: widened once, or as they are stored and widened product by product. */
export type HeldWeights = "float32" | "stored";

/** A model's parameters where the device wants them, in the form in which graphs are fed them: read at first use, and kept. */
export class ParameterValues {
  /** What is read: finished adapters are not in weights that are held as they are stored. */
  readonly base: Weights;
  private readonly device: Device;
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  private readonly form: HeldWeights;
  private readonly values = new Map<string, Value>();
  private readonly reading = new Map<string, Promise<Value>>();
  private kernels: Kernels | null = null;

  /** @param shapes of all parameters that the model has, by name. */
  constructor(
    device: Device,
    base: Weights,
    shapes: ReadonlyMap<string, readonly number[]>,
    form: HeldWeights,
  ) {
    this.device = device;
    this.base = base;
    this.shapes = shapes;
    this.form = form;
  }

  /** The value that is kept under a name; undefined where none is. */
  kept(name: string): Value | undefined {
    return this.values.get(name);
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

  /** Rows of a parameter, by whole numbers that are fed: (rows, …), in host memory. */
  async gather(name: string, indices: Value): Promise<Value> {
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

  /**
   * Reads a parameter, rows or a part of it, without keeping it; of a part the others are kept.
   *
   * @throws as {@link value}.
   */
  async readValue(name: string): Promise<Value> {
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
  async readParts(called: string): Promise<ReadonlyMap<string, Value>> {
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

  /** The names under which the parts of a weight, or of rows of it, are fed. */
  partNames(called: string): string[] {
    const name = weightOf(called);
    return partsOf(this.formOf(name), this.shapes.get(name)!).map(({ part }) => partName(called, part));
  }

  /** Finds out what kernels there are, where the form of a weight depends on it. */
  async ready(): Promise<void> {
    if (this.form !== "stored" || this.kernels !== null) return;
    const halves = [...this.base.values()].some(({ type }) => type === "F16" || type === "BF16");
    this.kernels = halves ? await this.device.kernels() : { device: this.device.name, float16: false };
  }

  /** How a weight lies on this device. */
  formOf(name: string): Form {
    const tensor = this.base.get(name);
    if (!tensor || this.kernels === null) return { kind: "float32" };
    return formOf(tensor.type, tensor.shape, this.form, this.kernels);
  }

  /** Puts a new value under a parameter's name; the one it replaces is freed. */
  replace(name: string, value: Value): void {
    const old = this.values.get(name);
    if (old === value) return;
    old?.dispose();
    this.values.set(name, value);
  }

  /** Makes the device read a weight anew. */
  forget(name: string): void {
    for (const each of [...this.values.keys()]) {
      if (each !== name && weightOf(each) !== name) continue;
      this.values.get(each)?.dispose();
      this.values.delete(each);
    }
  }

  /** Frees what the device holds. */
  dispose(): void {
    for (const value of this.values.values()) value.dispose();
    this.values.clear();
  }
}
