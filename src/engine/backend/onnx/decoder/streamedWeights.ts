import { setImmediate as breathe } from "node:timers/promises";
import type { Value } from "../runtime/value.ts";
import { gatheredOf, partOf, weightOf } from "./parameters.ts";
import type { ParameterValues } from "./parameterValues.ts";

/** What graphs read of a model whose weights may not all stay in memory: those that are streamed are read ahead of use and dropped after it. */
export class StreamedWeights {
  private readonly parameters: ParameterValues;
  private readonly shapes: ReadonlyMap<string, readonly number[]>;
  private readonly keptBlocks: number | null;
  /** Weights that are read ahead of use, and dropped after it. */
  private readonly coming = new Map<string, Promise<Value>>();

  /**
   * @param shapes of all parameters that the model has, by name.
   * @param keptBlocks blocks, from the first, whose weights stay; null where all weights do.
   */
  constructor(
    parameters: ParameterValues,
    shapes: ReadonlyMap<string, readonly number[]>,
    keptBlocks: number | null,
  ) {
    this.parameters = parameters;
    this.shapes = shapes;
    this.keptBlocks = keptBlocks;
  }

  /** What a graph reads under a name that is not fed: a parameter, or rows of one that a feed of token ids names. */
  async read(name: string, feeds: Record<string, Value>): Promise<Value> {
    const rows = gatheredOf(name);
    if (rows) return this.parameters.gather(rows.name, feeds[rows.indices]!);
    if (!this.isStreamed(name) || this.parameters.kept(name)) return this.parameters.value(name);
    return this.coming.get(name) ?? this.begin(name);
  }

  /** Begins to read a weight that is dropped after use; where it is fed as parts, all of them. */
  private begin(name: string): Promise<Value> {
    const part = partOf(name);
    if (part === null) {
      const coming = this.parameters.readValue(name);
      this.coming.set(name, coming);
      return coming;
    }
    const parts = this.parameters.readParts(part.weight);
    for (const each of this.parameters.partNames(part.weight)) {
      const coming = parts.then((found) => found.get(each)!);
      // What goes wrong is thrown where a part is used.
      coming.catch(() => undefined);
      this.coming.set(each, coming);
    }
    return this.coming.get(name)!;
  }

  /** Whether a weight is read anew for every use. What training has moved is not. */
  isStreamed(name: string): boolean {
    if (this.keptBlocks === null) return false;
    const weight = weightOf(name);
    const layer = /^model\.layers\.(\d+)\./.exec(weight)?.[1];
    // Norms stay; the embeddings are read by rows, the head in pieces.
    if (layer === undefined) return this.shapes.get(weight)?.length === 2;
    return Number(layer) >= this.keptBlocks && this.parameters.base.has(weight);
  }

  /** Begins to read what the next step that streams weights will need. */
  async readAhead(steps: readonly (readonly string[])[]): Promise<void> {
    const wanted = (names: readonly string[]) =>
      names.filter(
        (name) => gatheredOf(name) === null && this.isStreamed(name) && !this.parameters.kept(name),
      );
    const next = steps.map(wanted).find((names) => names.length > 0) ?? [];
    for (const name of next) {
      if (this.coming.has(name)) continue;
      // What goes wrong is thrown where the weight is used.
      this.begin(name).catch(() => undefined);
    }
    // A step blocks the thread: reads are under way once their files are open.
    if (next.length > 0) await breathe();
  }

  /** Frees weights that were read for a step that has run; all of them where no names are given. */
  async drop(names: Iterable<string> = [...this.coming.keys()]): Promise<void> {
    for (const name of names) {
      const coming = this.coming.get(name);
      this.coming.delete(name);
      await coming?.then(
        (value) => value.dispose(),
        () => undefined,
      );
    }
  }
}
