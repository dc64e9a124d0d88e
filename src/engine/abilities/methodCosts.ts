import type { Cell, Plan } from "../../protocol/cells.ts";
import type { RunEvent } from "../../protocol/events.ts";
import type { CostPart, MethodCost } from "../../protocol/report/benchmark.ts";
import { cellFolder } from "../../runFolder/comparison.ts";
import { cellOf } from "../../runFolder/completedRecipe.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { runPaths } from "../../runFolder/folder.ts";

/** What each run of a benchmark cost, from the logs of the runs. */
export async function methodCosts(plan: Plan, folder: string): Promise<MethodCost[]> {
  const partsOf = (cell: Cell) => costParts(readEvents(runPaths(cellFolder(folder, cell)).events));
  const seconds = (cell: Cell) => partsOf(cell).reduce((sum, part) => sum + part.seconds, 0);
  return plan.cells
    .filter(({ trial }) => trial === undefined)
    .map((cell): MethodCost => {
      const { method, seed, base, tuned } = cell;
      const trials = tuned?.trials.map((name) => seconds(cellOf(plan, name)));
      return {
        ...{ method, seed, parts: partsOf(cell) },
        ...(base !== undefined && { on: cellOf(plan, base).method }),
        ...(trials && { tuningSeconds: trials.reduce((sum, each) => sum + each, 0) }),
      };
    });
}

/**
 * What a run cost, by what it was at: the time between two events belongs to the later one. Time in which no process worked on
 * the run counts for nothing, and neither does reading the model.
 */
export function costParts(events: readonly RunEvent[]): CostPart[] {
  const parts = new Map<string, { seconds: number; flops: number | null; peakBytes: number | null }>();
  const add = (part: string, seconds: number, flops: number | null, peakBytes: number | null) => {
    const known = parts.get(part) ?? { seconds: 0, flops: null, peakBytes: null };
    parts.set(part, {
      seconds: known.seconds + seconds,
      flops: flops === null ? known.flops : (known.flops ?? 0) + flops,
      peakBytes: peakBytes === null ? known.peakBytes : Math.max(known.peakBytes ?? 0, peakBytes),
    });
  };
  let before: number | null = null;
  let stage: { kind: string; flopsPerToken: number | null } | null = null;
  for (const event of events) {
    const at = Date.parse(event.at);
    const seconds = before === null || event.type === "resumed" ? 0 : Math.max(0, (at - before) / 1000);
    before = at;
    switch (event.type) {
      case "run-started":
      case "resumed":
        break;
      case "stage-started":
        stage = { kind: event.kind, flopsPerToken: event.flopsPerToken ?? null };
        add(event.kind, seconds, null, null);
        break;
      case "step":
        add(
          stage?.kind ?? "other",
          seconds,
          stage?.flopsPerToken == null ? null : stage.flopsPerToken * event.tokens,
          null,
        );
        break;
      case "checkpoint":
        add(stage?.kind ?? "other", seconds, null, null);
        break;
      case "stage-finished":
        add(stage?.kind ?? "other", seconds, null, event.peakBytes ?? null);
        break;
      case "layer-chosen":
        add("layer choice", seconds, null, null);
        break;
      case "probe":
        add("probes", seconds, null, null);
        break;
      case "evaluation-progress":
        add("evaluation", seconds, null, null);
        break;
      case "making-progress":
      case "data-made":
        add("making data", seconds, null, null);
        break;
      case "steering-progress":
      case "steering-fitted":
        add("fit", seconds, null, null);
        break;
      case "judging-progress":
        add("judging", seconds, null, null);
        break;
      case "suite-answered":
        add("evaluation", seconds, event.flops ?? null, event.peakBytes ?? null);
        break;
      default:
        add("other", seconds, null, null);
    }
  }
  return [...parts].map(([part, cost]) => ({ part, ...cost }));
}
