import { tokenPace } from "../../protocol/telemetry.ts";
import { counted, duration, probability } from "../../wording/numbers.ts";
import { stageWord } from "../../wording/stages.ts";
import { cellsWords, stepWords } from "../runs/describe.ts";
import type { CellsSummary, RunSummary } from "../runs/summary.ts";

/** A run as the status bar shows it. */
export type ShownRun = Pick<
  RunSummary,
  | "stages"
  | "step"
  | "totalSteps"
  | "last"
  | "activity"
  | "etaSeconds"
  | "state"
  | "cells"
  | "place"
  | "tokensPerSecond"
  | "stopping"
> & { readonly label: string };

/** What a run trains, as researchers call it: "DCR → STL". */
function methodOf({ stages }: Pick<RunSummary, "stages">): string {
  if (stages.length === 0) return "untrained";
  return stages
    .map(({ kind }) => stageWord(kind, "short"))
    .filter((method, i, all) => method !== all[i - 1])
    .join(" → ");
}

/**
 * What the status bar says of the runs and comparisons that are active, and of the runs that wait in comparisons.
 *
 * @param queued how many runs wait until no other is active.
 * @returns null when there is nothing to say.
 */
export function statusText(shown: readonly ShownRun[], queued = 0): string | null {
  if (shown.length === 0) return queued === 0 ? null : `$(clock) ${counted(queued, "run")} waiting`;
  const active = shown.filter(({ cells }) => cells === undefined);
  const waiting = shown.reduce((sum, { cells }) => sum + (cells ? waitingOf(cells) : 0), queued);
  const [run, ...others] = active;
  const queue = waiting > 0 ? [`${waiting} waiting`] : [];
  const stopping =
    shown.find((one) => one.cells !== undefined && one.stopping) ?? active.find((one) => one.stopping);
  const parts = stopping?.stopping
    ? [active.length > 1 ? `${stopping.label} ${stopping.stopping.short}` : stopping.stopping.short]
    : run === undefined
      ? [...queue, ...(waiting === 0 ? ["comparing"] : [])]
      : others.length > 0
        ? [`${active.length} runs`, ...queue]
        : [`${methodOf(run)} ${progressOf(run)}`, ...refusal(run), ...queue];
  return `$(${stopping ? "debug-pause" : "graph-line"}) ${parts.join(" · ")}`;
}

/** The runs of a comparison that have not begun. */
function waitingOf({ names, finished, running, failed }: CellsSummary): number {
  return Math.max(0, names.length - finished.length - running.length - failed.length);
}

/** How far each active run is, a line each, for the hover and for screen readers. */
export function statusLines(active: readonly ShownRun[]): string[] {
  return active.map((run) => {
    if (run.stopping) return `${run.label} · ${run.stopping.long}`;
    const left = run.etaSeconds === null ? [] : [`${duration(run.etaSeconds)} left`];
    const place = run.place ? [run.place] : [];
    const pace = run.tokensPerSecond === undefined ? [] : [tokenPace(run.tokensPerSecond)];
    return [run.label, progressOf(run), ...refusal(run), ...place, ...pace, ...left].join(" · ");
  });
}

function progressOf(run: ShownRun): string {
  const { state, activity, cells } = run;
  if (state === "starting") return "starting";
  if (cells !== undefined) return cellsWords(cells);
  if (activity) return `${activity.verb} ${activity.done}/${activity.total}`;
  return stepWords(run) || "preparing";
}

function refusal({ last }: ShownRun): string[] {
  if (last === null) return [];
  return [`toxic ${probability(last.toxic)}`, `seemingly toxic ${probability(last.seeminglyToxic)}`];
}
