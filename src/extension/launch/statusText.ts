import { duration, probability } from "../../wording/numbers.ts";
import type { RunSummary } from "../runs/summary.ts";

/** A run as the status bar shows it. */
export type ShownRun = Pick<
  RunSummary,
  "stages" | "step" | "totalSteps" | "last" | "evaluating" | "etaSeconds" | "state"
> & { readonly label: string };

/** The arm that a run trains, as researchers call it. */
export function armOf({ stages }: Pick<RunSummary, "stages">): "DCR" | "STL" {
  return stages.some(({ kind }) => kind === "contrastive") ? "DCR" : "STL";
}

/**
 * What the status bar says of the runs that are active and those that wait.
 *
 * @returns null when there is nothing to say.
 */
export function statusText(active: readonly ShownRun[], waiting: number): string | null {
  const [run, ...others] = active;
  if (run === undefined && waiting === 0) return null;
  const queue = waiting > 0 ? [`${waiting} waiting`] : [];
  const parts =
    run === undefined
      ? queue
      : others.length > 0
        ? [`${active.length} runs`, ...queue]
        : [`${armOf(run)} ${progressOf(run)}`, ...refusal(run), ...queue];
  return `$(graph-line) ${parts.join(" · ")}`;
}

/** How far each active run is, a line each, for the hover and for screen readers. */
export function statusLines(active: readonly ShownRun[]): string[] {
  return active.map((run) => {
    const left = run.etaSeconds === null ? [] : [`${duration(run.etaSeconds)} left`];
    return [run.label, progressOf(run), ...refusal(run), ...left].join(" · ");
  });
}

function progressOf({ state, step, totalSteps, evaluating }: ShownRun): string {
  if (state === "starting") return "starting";
  if (evaluating) return `evaluating ${evaluating.done}/${evaluating.total}`;
  return totalSteps === null ? `${step}` : `${step}/${totalSteps}`;
}

function refusal({ last }: ShownRun): string[] {
  if (last === null) return [];
  return [`toxic ${probability(last.toxic)}`, `seemingly ${probability(last.seeminglyToxic)}`];
}
