import { type Backward, pullBack } from "./autodiff.ts";
import { cut, cutName, type Part, PartGraph } from "./cut.ts";
import { ops } from "./ops.ts";
import { input, scalar, type Tensor, topological } from "./tensor.ts";

/**
 * A graph that is run on its own: its outputs by name. What it reads is fed, or was given by an earlier step under the
 * input's name; a name that is given again stands for the new value from then on.
 */
export interface Step {
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** A part at work: its graph, and what flows back into it. */
interface PartAtWork {
  readonly part: Part;
  readonly graph: PartGraph;
  /** Cuts that gradients are wanted of, and names in `wrt` that it reads. */
  readonly cuts: readonly number[];
  readonly own: readonly string[];
  /** Their gradients in this part, once the parts behind it are done; null where it gets none. */
  found: ReadonlyMap<number | string, Tensor> | null;
}

/** Whether a value is handed from step to step, rather than asked for. */
export const isBetween = (name: string): boolean => /^(cut|cotangent|partial)\./.test(name);
const cotangentName = (cut: number) => `cotangent.${cut}`;
const partialName = (name: string) => `partial.${name}`;
/** Stands for the loss among the outputs, so that a part computes it; it is not fetched. */
const lossName = "loss of the backward pass";

/**
 * The steps that compute `outputs` and what `backward` derives of gradients, part by part: forward in order, then backward
 * in reverse, where each part is computed anew from the cuts that it reads. The last part's two passes are one step.
 *
 * @param cuts each behind those it depends on.
 */
export function stepsOf(
  outputs: Readonly<Record<string, Tensor>>,
  cuts: readonly Tensor[],
  backward: Backward | null = null,
): Step[] {
  const all = backward ? { ...outputs, [lossName]: backward.loss } : outputs;
  const parts = atWork(cut(all, cuts), all, cuts, backward?.wrt ?? new Map());
  if (backward) flowBack(parts, cuts, backward);
  const steps: Record<string, Tensor>[] = [];
  const forward = ({ part, graph }: PartAtWork) => {
    const named: Record<string, Tensor> = {};
    if (part.gives !== null) named[cutName(part.gives)] = graph.of(cuts[part.gives]!);
    for (const name of part.outputs) if (name !== lossName) named[name] = graph.of(all[name]!);
    return named;
  };
  for (const each of parts) {
    const step = forward(each);
    const runsBack = each.found !== null && each.part.gives === null;
    if (!runsBack && Object.keys(step).length > 0) steps.push(step);
  }
  if (backward) {
    const given = new Set(steps.flatMap((step) => Object.keys(step)));
    for (const step of backwardSteps(parts, backward)) {
      const own = step.of.part.gives === null ? forward(step.of) : {};
      steps.push(added({ ...own, ...step.outputs }, given));
    }
    const reached = new Set(parts.flatMap(({ found }) => [...(found?.keys() ?? [])]));
    const missing = [...backward.wrt.keys()].filter((name) => !reached.has(name));
    const none = backward.derive(new Map(missing.map((name) => [name, null])));
    if (missing.length > 0) steps.push(added(none, given));
  }
  return steps.map((named) => ({ outputs: named }));
}

/** Outputs with scalars that earlier steps gave added to them. @param given names so far; those of `outputs` are added. */
function added(outputs: Readonly<Record<string, Tensor>>, given: Set<string>): Record<string, Tensor> {
  const sums = Object.entries(outputs).map(([name, tensor]): [string, Tensor] => {
    const known = given.has(name) && tensor.shape.length === 0;
    return [name, known ? ops.add(input(name, []), tensor) : tensor];
  });
  for (const [name] of sums) given.add(name);
  return Object.fromEntries(sums);
}

/** Makes the parts' graphs, and finds out which of what they read moves with one of `wrt`. */
function atWork(
  parts: readonly Part[],
  outputs: Readonly<Record<string, Tensor>>,
  cuts: readonly Tensor[],
  wrt: ReadonlyMap<string, Tensor | null>,
): PartAtWork[] {
  const moving = new Set<number>();
  return parts.map((part) => {
    const graph = new PartGraph(part, cuts);
    if (part.gives !== null) graph.of(cuts[part.gives]!);
    for (const name of part.outputs) graph.of(outputs[name]!);
    const read = new Set(part.reads.map((index) => cuts[index]!));
    const own = [...wrt].flatMap(([name, tensor]) =>
      tensor && graph.has(tensor) && !read.has(tensor) ? [name] : [],
    );
    const moved = part.reads.filter((index) => moving.has(index));
    if (part.gives !== null && own.length + moved.length > 0) moving.add(part.gives);
    return { part, graph, cuts: moved, own, found: null };
  });
}

/** Takes the loss's cotangent back through the parts. */
function flowBack(parts: readonly PartAtWork[], cuts: readonly Tensor[], { loss, wrt }: Backward): void {
  const arrived = new Set<number>();
  for (const each of parts.toReversed()) {
    const { part, graph } = each;
    const given = new Map<Tensor, Tensor>();
    if (part.outputs.includes(lossName)) given.set(graph.of(loss), scalar(1));
    if (part.gives !== null && arrived.has(part.gives)) {
      const { shape } = cuts[part.gives]!;
      given.set(graph.of(cuts[part.gives]!), input(cotangentName(part.gives), shape));
    }
    if (given.size === 0 || each.cuts.length + each.own.length === 0) continue;
    const keys = [...each.cuts, ...each.own];
    const tensors = keys.map((key) =>
      typeof key === "number" ? graph.reads.get(key)! : graph.of(wrt.get(key)!),
    );
    const gradients = pullBack(given, tensors);
    const found = new Map<number | string, Tensor>();
    for (const [i, key] of keys.entries()) {
      const gradient = gradients[i];
      if (!gradient) continue;
      found.set(key, gradient);
      if (typeof key === "number") arrived.add(key);
    }
    if (found.size > 0) each.found = found;
  }
}

/**
 * The backward steps, last part first. Gradients of what several parts read are added up on the way; the last of them derives
 * what is wanted.
 */
function backwardSteps(
  parts: readonly PartAtWork[],
  { derive }: Backward,
): { of: PartAtWork; outputs: Record<string, Tensor> }[] {
  const order = parts.filter(({ found }) => found !== null).reverse();
  const last = new Map<number | string, PartAtWork>();
  for (const each of order) for (const key of each.found!.keys()) last.set(key, each);
  const begun = new Set<number | string>();
  return order.map((each) => {
    const outputs: Record<string, Tensor> = {};
    const finished = new Map<string, Tensor>();
    for (const [key, gradient] of each.found!) {
      const name = typeof key === "number" ? cotangentName(key) : partialName(key);
      const sum = begun.has(key) ? ops.add(input(name, gradient.shape), gradient) : gradient;
      begun.add(key);
      if (typeof key === "string" && last.get(key) === each) finished.set(key, sum);
      else outputs[name] = sum;
    }
    if (finished.size > 0) Object.assign(outputs, derive(finished));
    return { of: each, outputs };
  });
}

/** The inputs of a step. */
export function inputsOf({ outputs }: Step): Extract<Tensor, { op: "input" }>[] {
  return topological(Object.values(outputs)).filter((tensor) => tensor.op === "input");
}
