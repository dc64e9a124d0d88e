/**
 * Cutting a graph at some of its tensors. What lies between cuts is a part: a graph of its own, which reads cut tensors as
 * inputs. Parts run one after another, and gradients are found part by part in reverse, each part computed anew from the
 * cuts it reads (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"), so that only cut tensors are kept.
 */
import { type InputTensor, input, producers, type Tensor, topological } from "./tensor.ts";

/** A part of a graph. */
export interface Part {
  /** Indices of the cuts that it reads, ascending. */
  readonly reads: readonly number[];
  /** Index of the cut that it computes; null for the last part, which computes outputs alone. */
  readonly gives: number | null;
  /** Names of the graph's outputs that are computed in it. */
  readonly outputs: readonly string[];
}

/** The name under which a part reads a cut. */
export const cutName = (cut: number): string => `cut.${cut}`;

/**
 * The parts of the graph of `outputs`, in an order in which they can run: one for each cut that an output needs, and a last
 * one where outputs are left. An output is computed in the first part that reads all cuts it needs.
 *
 * @param cuts each behind those it depends on.
 */
export function cut(outputs: Readonly<Record<string, Tensor>>, cuts: readonly Tensor[]): Part[] {
  const indices = new Map(cuts.map((tensor, i) => [tensor, i]));
  const needed = new Set(topological(Object.values(outputs)));
  const parts: { reads: number[]; gives: number | null; outputs: string[] }[] = [];
  for (const [gives, tensor] of cuts.entries()) {
    if (needed.has(tensor)) parts.push({ reads: cutsBehind(producers(tensor), indices), gives, outputs: [] });
  }
  const rest = new Set<number>();
  const left: string[] = [];
  for (const [name, tensor] of Object.entries(outputs)) {
    const reads = cutsBehind([tensor], indices);
    const home = parts.find((part) => reads.every((cut) => part.reads.includes(cut)));
    if (home) home.outputs.push(name);
    else {
      left.push(name);
      for (const cut of reads) rest.add(cut);
    }
  }
  if (left.length > 0) parts.push({ reads: [...rest].sort((a, b) => a - b), gives: null, outputs: left });
  return parts;
}

/** The nearest cuts that these tensors are made of, or are. */
function cutsBehind(tensors: readonly Tensor[], indices: ReadonlyMap<Tensor, number>): number[] {
  const found = new Set<number>();
  const seen = new Set<Tensor>();
  const stack = [...tensors];
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    const index = indices.get(tensor);
    if (index === undefined) for (const producer of producers(tensor)) stack.push(producer);
    else found.add(index);
  }
  return [...found].sort((a, b) => a - b);
}

/** The tensors of one part, made from those of the whole graph: cuts that it reads are inputs. */
export class PartGraph {
  /** By the index of the cut. */
  readonly reads: ReadonlyMap<number, InputTensor>;
  private readonly made: Map<Tensor, Tensor>;

  constructor(part: Part, cuts: readonly Tensor[]) {
    this.reads = new Map(
      part.reads.map((index) => {
        const { shape, dtype } = cuts[index]!;
        return [index, input(cutName(index), shape, dtype)];
      }),
    );
    this.made = new Map(part.reads.map((index) => [cuts[index]!, this.reads.get(index)!]));
  }

  /** The tensor of the part that stands for one of the whole graph. */
  of(tensor: Tensor): Tensor {
    rebuild([tensor], this.made);
    return this.made.get(tensor)!;
  }

  /** Whether a tensor of the whole graph has been made in this part. */
  has(tensor: Tensor): boolean {
    return this.made.has(tensor);
  }
}

/** Makes tensors anew from other producers. @param made what stands for what; what is made is added. */
export function rebuild(tensors: readonly Tensor[], made: Map<Tensor, Tensor>): void {
  for (const tensor of below(tensors, made)) {
    if (tensor.op === "input" || tensor.op === "constant") {
      made.set(tensor, tensor);
      continue;
    }
    const inputs = tensor.inputs.map((producer) => made.get(producer)!);
    const unchanged = inputs.every((each, i) => each === tensor.inputs[i]);
    made.set(tensor, unchanged ? tensor : ({ ...tensor, inputs } as Tensor));
  }
}

/** What is needed for `tensors` and not made yet, producers first. */
function below(tensors: readonly Tensor[], made: ReadonlyMap<Tensor, Tensor>): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  const stack: { tensor: Tensor; next: number }[] = [];
  const visit = (tensor: Tensor) => {
    if (seen.has(tensor) || made.has(tensor)) return;
    seen.add(tensor);
    stack.push({ tensor, next: 0 });
  };
  for (const tensor of tensors) {
    visit(tensor);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const producer = producers(top.tensor)[top.next++];
      if (producer) visit(producer);
      else order.push(stack.pop()!.tensor);
    }
  }
  return order;
}

/** A graph whose inputs and outputs are known by their places: two that compute the same have the same key. */
export interface Anonymous {
  /** The graph in words: operations, shapes, attributes and constants. */
  readonly key: string;
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** By its name in `outputs` the name that the output had. */
  readonly fetches: ReadonlyMap<string, string>;
  /** By the name that the graph reads the name that the input had. */
  readonly feeds: ReadonlyMap<string, string>;
}

/**
 * Takes the names out of a graph, so that graphs that differ in names alone, as those of a model's blocks do, are compiled
 * once.
 *
 * @param hash of a constant's elements.
 */
export function anonymous(
  named: Readonly<Record<string, Tensor>>,
  hash: (constant: Extract<Tensor, { op: "constant" }>) => string,
): Anonymous {
  const names = Object.keys(named);
  const order = topological(Object.values(named));
  const places = new Map(order.map((tensor, i) => [tensor, i]));
  const made = new Map<Tensor, Tensor>();
  const feeds = new Map<string, string>();
  const lines: string[] = [];
  for (const tensor of order) {
    const form = `${tensor.dtype}[${tensor.shape.join(",")}]`;
    if (tensor.op === "input") {
      const name = `in.${feeds.size}`;
      feeds.set(name, tensor.name);
      made.set(tensor, input(name, tensor.shape, tensor.dtype));
      lines.push(`${form} input`);
    } else if (tensor.op === "constant") {
      lines.push(`${form} ${hash(tensor)}`);
    } else {
      const operands = tensor.inputs.map((operand) => places.get(operand)).join(",");
      lines.push(`${form} ${tensor.op} ${operands} ${JSON.stringify(tensor.attributes)}`);
    }
  }
  const tensors = Object.values(named);
  rebuild(tensors, made);
  lines.push(tensors.map((tensor) => places.get(tensor)).join(","));
  return {
    key: lines.join("\n"),
    outputs: Object.fromEntries(tensors.map((tensor, i) => [`out.${i}`, made.get(tensor)!])),
    fetches: new Map(names.map((name, i) => [`out.${i}`, name])),
    feeds,
  };
}
