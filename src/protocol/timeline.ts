import type { RunEvent, RunEventOf } from "./events.ts";

/** What a run is doing. */
export type RunState = "running" | "finished" | "stopped" | "failed";

/** The story of a run as one line without returns, drawn from its events. */
export interface Timeline {
  readonly started: RunEventOf<"run-started"> | null;
  readonly steps: readonly RunEventOf<"step">[];
  readonly probes: readonly RunEventOf<"probe">[];
  readonly choices: readonly RunEventOf<"layer-chosen">[];
  /** What was made to train on; made again after a loss, it counts as it was made last. */
  readonly made: readonly RunEventOf<"data-made">[];
  readonly stages: readonly RunEventOf<"stage-started">[];
  readonly ends: readonly RunEventOf<"stage-finished">[];
  readonly state: RunState;
  readonly last: RunEvent | null;
}

const ends: Partial<Record<RunEvent["type"], RunState>> = {
  "run-finished": "finished",
  "run-stopped": "stopped",
  "run-failed": "failed",
};

/**
 * A run that was killed repeats the steps after its last checkpoint when it is resumed. Each step and probe is kept
 * once, as it happened last.
 */
export function timeline(events: readonly RunEvent[]): Timeline {
  const steps = new Map<number, RunEventOf<"step">>();
  const probes = new Map<number, RunEventOf<"probe">>();
  const choices = new Map<number, RunEventOf<"layer-chosen">>();
  const made = new Map<string, RunEventOf<"data-made">>();
  const stages = new Map<number, RunEventOf<"stage-started">>();
  const finished = new Map<number, RunEventOf<"stage-finished">>();
  let started: RunEventOf<"run-started"> | null = null;
  let state: RunState = "running";
  for (const event of events) {
    state = ends[event.type] ?? "running";
    if (event.type === "run-started") started = event;
    if (event.type === "step") steps.set(event.globalStep, event);
    if (event.type === "probe") probes.set(event.globalStep, event);
    if (event.type === "layer-chosen") choices.set(event.stage, event);
    if (event.type === "data-made") made.set(`${event.what} ${event.stage ?? ""}`, event);
    if (event.type === "stage-started") stages.set(event.stage, event);
    if (event.type === "stage-finished") finished.set(event.stage, event);
    if (event.type === "resumed") {
      for (const map of [steps, probes]) {
        for (const step of map.keys()) if (step > event.globalStep) map.delete(step);
      }
    }
  }
  return {
    started,
    steps: [...steps.values()],
    probes: [...probes.values()],
    choices: [...choices.values()],
    made: [...made.values()],
    stages: [...stages.values()],
    ends: [...finished.values()],
    state,
    last: events.at(-1) ?? null,
  };
}
