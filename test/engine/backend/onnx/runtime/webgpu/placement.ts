import type { Seen } from "./graphs.ts";
import type { GraphTrace } from "./trace.ts";

/** One graph kind of a model: how many nodes ran on the device, how many elsewhere, and how many were copies. */
export interface Placement {
  readonly graph: string;
  readonly onDevice: number;
  readonly elsewhere: number;
  readonly copies: number;
}

/** The graphs of each kind. The optimiser's, which every training step has beside its own, are a kind of their own. */
export function byKind(found: Record<string, Seen>): Record<string, GraphTrace[]> {
  const kinds: Record<string, GraphTrace[]> = { optimiser: [] };
  for (const [kind, { graphs: all, losses }] of Object.entries(found)) {
    // What carries weights to the device and back is one node, an identity.
    const graphs = all.filter((graph) => operators(graph).size > 1);
    // It alone of a training step's graphs multiplies no matrices and takes roots.
    const isOptimiser = (graph: GraphTrace) =>
      losses !== undefined && operators(graph).has("Sqrt") && !operators(graph).has("Gemm");
    kinds[kind] = graphs.filter((graph) => !isOptimiser(graph));
    kinds.optimiser!.push(...graphs.filter(isOptimiser));
  }
  return kinds;
}

const operators = (graph: GraphTrace) => new Set(Object.values(graph).flatMap((nodes) => Object.keys(nodes)));

/** Counts the nodes of the graphs of one kind by where they ran. @param graph what they are called. */
export function placementOf(graph: string, graphs: readonly GraphTrace[]): Placement {
  const nodes = graphs.flatMap((graph) =>
    Object.entries(graph).flatMap(([provider, counts]) =>
      Object.entries(counts).map(([operator, count]) => ({ provider, operator, count })),
    ),
  );
  const sum = (some: typeof nodes) => some.reduce((total, { count }) => total + count, 0);
  const copy = ({ operator }: { operator: string }) => operator.startsWith("Memcpy");
  const here = ({ provider }: { provider: string }) => provider === "WebGpuExecutionProvider";
  return {
    graph,
    onDevice: sum(nodes.filter((node) => here(node) && !copy(node))),
    elsewhere: sum(nodes.filter((node) => !here(node) && !copy(node))),
    copies: sum(nodes.filter(copy)),
  };
}

/** The counts as a table in Markdown. */
export function placementTable(rows: readonly Placement[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [
    line(["model, kind of graph", "nodes on WebGPU", "on the CPU", "copies"]),
    line(["---", "---:", "---:", "---:"]),
    ...rows.map(({ graph, onDevice, elsewhere, copies }) => line([graph, onDevice, elsewhere, copies])),
  ].join("\n");
}
