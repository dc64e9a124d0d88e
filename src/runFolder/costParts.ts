import type { Computed, RunEvent, RunEventOf } from "../protocol/events.ts";
import type { CostPart } from "../protocol/report/benchmark.ts";
import { addSpent, nothingSpent } from "../protocol/spent.ts";

type Cost = Omit<CostPart, "part" | "seconds">;

/**
 * What a run cost, by what it was at: the time between two events belongs to the later one. Time in which no process worked on
 * the run counts for nothing, and neither does reading the model. Time counts as often as it passed; the operations of a step, a probe,
 * a suite or what was made count once, also where a run that was killed did them again: they are what the method costs. Requests to
 * services count as often as they were made, since each was paid; verdicts that were on disk count as such when their judge is begun for
 * the first time, for later ones are those that the run itself paid.
 */
export function costParts(events: readonly RunEvent[]): CostPart[] {
  const parts = new Map<string, CostPart>();
  const add = (part: string, seconds: number, cost: Partial<Cost> = {}) => {
    const known = parts.get(part) ?? { part, seconds: 0, flops: null, peakBytes: null };
    parts.set(part, { ...known, seconds: known.seconds + seconds, ...sumOf(known, cost) });
  };
  const counted = new Set<string>();
  const once = (what: string, flops: number | null | undefined) => {
    if (flops == null || counted.has(what)) return null;
    counted.add(what);
    return flops;
  };
  let before: number | null = null;
  let stage: { kind: string; flopsPerToken: number | null } | null = null;
  for (const event of events) {
    const at = Date.parse(event.at);
    const seconds = before === null || event.type === "resumed" ? 0 : Math.max(0, (at - before) / 1000);
    before = at;
    const training = stage?.kind ?? "other";
    switch (event.type) {
      case "run-started":
      case "resumed":
        break;
      case "stage-started":
        stage = { kind: event.kind, flopsPerToken: event.flopsPerToken ?? null };
        add(event.kind, seconds);
        break;
      case "step":
        add(training, seconds, {
          flops: once(
            `step ${event.stage} ${event.step}`,
            stage?.flopsPerToken == null ? null : stage.flopsPerToken * event.tokens,
          ),
        });
        break;
      case "checkpoint":
      case "telemetry":
        add(training, seconds);
        break;
      case "stage-finished":
        add(training, seconds, stageCost(event));
        break;
      case "layer-chosen":
        add("layer choice", seconds, costOf(event, once(`layer ${event.stage}`, event.flops)));
        break;
      case "probe":
        add("probes", seconds, costOf(event, once(`probe ${event.globalStep}`, event.flops)));
        break;
      case "reference-measured":
        add("reference pass", seconds, costOf(event, once(`reference ${event.stage}`, event.flops)));
        break;
      case "laboratory-progress":
      case "laboratory-measured":
        add("laboratory", seconds);
        break;
      case "evaluation-progress":
        add("evaluation", seconds);
        break;
      case "making-progress":
        add("making data", seconds);
        break;
      case "data-made":
        add("making data", seconds, costOf(event, once(`made ${event.what} ${event.stage}`, event.flops)));
        break;
      case "steering-progress":
        add("fit", seconds);
        break;
      case "steering-fitted":
        add("fit", seconds, costOf(event, once("fit", event.flops)));
        break;
      case "judging-progress":
        add("judging", seconds, costOf(event, event.flops ?? null));
        break;
      case "verdicts-known": {
        const { judge, known, answers } = event;
        add("judging", seconds, { services: [{ ...nothingSpent(judge), known, answers }] });
        break;
      }
      case "service-used": {
        const { service, work, requests, promptTokens, completionTokens, unreported, cost } = event;
        add(work, seconds, {
          services: [{ service, requests, promptTokens, completionTokens, unreported, cost }],
        });
        break;
      }
      case "suite-answered": {
        const { method, suite } = event;
        add(
          "evaluation",
          seconds,
          costOf(event, once(`suite ${JSON.stringify([method, suite])}`, event.flops)),
        );
        break;
      }
      default:
        add("other", seconds);
    }
  }
  return [...parts.values()];
}

/** @param flops those of the event that count. */
function costOf({ peakBytes, devicePeakBytes }: Computed, flops: number | null): Partial<Cost> {
  return { flops, peakBytes: peakBytes ?? null, ...(devicePeakBytes !== undefined && { devicePeakBytes }) };
}

function stageCost(event: RunEventOf<"stage-finished">): Partial<Cost> {
  const { tokensPerSecond, utilisation } = event;
  return {
    ...costOf(event, null),
    ...(tokensPerSecond != null && { tokensPerSecond }),
    ...(utilisation != null && { utilisation }),
  };
}

/** Operations add up, of memory the most counts; of two stages of a kind, or of one that was resumed, the later one's pace and use. */
function sumOf(known: Cost, cost: Partial<Cost>): Partial<Cost> {
  const { flops = null, peakBytes = null, devicePeakBytes, services, ...later } = cost;
  return {
    ...later,
    flops: flops === null ? known.flops : (known.flops ?? 0) + flops,
    peakBytes: peakBytes === null ? known.peakBytes : Math.max(known.peakBytes ?? 0, peakBytes),
    ...(services && { services: services.reduce(addSpent, known.services ?? []) }),
    ...(devicePeakBytes !== undefined && {
      devicePeakBytes: Math.max(known.devicePeakBytes ?? 0, devicePeakBytes),
    }),
  };
}
