/**
 * A trial of a sweep as its run folder tells it: figures of the monitored prompts at every probe, and what became of it. Nothing of a
 * sweep is kept anywhere else, so that whoever ranks, stops or resumes trials finds the same.
 */
import { stat } from "node:fs/promises";
import type { Cell } from "../protocol/cells.ts";
import type { RunEvent, RunEventOf } from "../protocol/events.ts";
import type { MonitoredMeasure } from "../protocol/monitoredMeasures.ts";
import type { MeasureDefinition } from "../protocol/report/measures.ts";
import type { Report } from "../protocol/report/report.ts";
import type { TrialState } from "../protocol/report/sweep.ts";
import { timeline } from "../protocol/timeline.ts";
import { auroc } from "../statistics/roc.ts";
import { cellFolder } from "./comparison.ts";
import { costParts } from "./costParts.ts";
import { readEvents } from "./eventLog.ts";
import { isRun, runPaths } from "./folder.ts";
import { readReport } from "./reportFile.ts";
import { trialFigure } from "./trials.ts";

export type MonitoredFigures = Readonly<Record<MonitoredMeasure, number | null>>;

/** A probe of a trial. */
export interface TrialProbe {
  readonly stage: number;
  /** Step within the stage. */
  readonly step: number;
  readonly figures: MonitoredFigures;
}

/** The run of a trial. */
export interface TrialRun {
  readonly state: TrialState;
  /** Why it was stopped early, or failed. */
  readonly reason: string | null;
  /** Index of the last stage of its recipe. */
  readonly lastStage: number;
  readonly probes: readonly TrialProbe[];
  readonly steps: number;
  readonly seconds: number;
}

const unbegun: TrialRun = {
  ...{ state: "waiting", reason: null, lastStage: -1, probes: [], steps: 0, seconds: 0 },
};

/** Reads the runs of a sweep's cells; what has not grown since is not read again. */
export class TrialRuns {
  /** Folder of the plan. */
  readonly folder: string;
  private readonly runs = new Map<string, { readonly size: number; readonly run: TrialRun }>();
  private readonly reports = new Map<string, Promise<Report>>();

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The run of a cell. */
  async read(cell: Pick<Cell, "name">): Promise<TrialRun> {
    const place = cellFolder(this.folder, cell);
    if (!(await isRun(place))) return unbegun;
    const { events } = runPaths(place);
    const size = await stat(events).then(
      (found) => found.size,
      () => 0,
    );
    const known = this.runs.get(cell.name);
    if (known?.size === size) return known.run;
    const run = trialRun(readEvents(events));
    this.runs.set(cell.name, { size, run });
    return run;
  }

  /** What a trial that finished came to on its validation prompts. @throws DiscernError `run-invalid`, `recipe-invalid`. */
  async validation({ name }: Pick<Cell, "name">, measure: string): Promise<ValidationFigure> {
    const report =
      this.reports.get(name) ?? readReport(cellFolder(this.folder, { name })).then(withoutAnswers);
    this.reports.set(name, report);
    const { definitions } = (await report).measures;
    const definition = definitions.find(({ id }) => id === measure);
    return { ...trialFigure(await report, measure, "objective.measure"), definition };
  }
}

type ValidationFigure = ReturnType<typeof trialFigure> & {
  readonly definition: MeasureDefinition | undefined;
};

/** Answers are not kept: those of all trials would fill the process. */
function withoutAnswers(report: Report): Report {
  return { ...report, answers: [] };
}

function trialRun(events: readonly RunEvent[]): TrialRun {
  const { started, probes, steps, state, last } = timeline(events);
  const stopped = events.find((event) => event.type === "stopped-early");
  const ended = state === "finished" ? (stopped ? "stopped-early" : "finished") : null;
  return {
    state: ended ?? (state === "failed" ? "failed" : "running"),
    reason: stopped?.reason ?? (last?.type === "run-failed" ? last.message : null),
    lastStage: (started?.stages.length ?? 0) - 1,
    probes: probes.map((probe) => ({
      stage: probe.stage,
      step: probe.step,
      figures: monitoredFigures(probe),
    })),
    steps: steps.length,
    seconds: costParts(events).reduce((sum, part) => sum + part.seconds, 0),
  };
}

/** What a probe of the monitored prompts is judged by; null where it cannot be worked out. */
export function monitoredFigures(
  probe: Pick<RunEventOf<"probe">, "toxic" | "seeminglyToxic" | "general" | "generalLoss" | "separation">,
): MonitoredFigures {
  const { toxic, seeminglyToxic, general, generalLoss, separation } = probe;
  const unsafe = toxic.perPrompt.filter((p) => p !== null);
  const safe = seeminglyToxic.perPrompt.filter((p) => p !== null);
  const gaps = Object.values(separation ?? {}).filter((gap) => gap !== null);
  return {
    discernment: unsafe.length > 0 && safe.length > 0 ? auroc({ unsafe, safe }) : null,
    refusal_gap:
      toxic.mean === null || seeminglyToxic.mean === null ? null : toxic.mean - seeminglyToxic.mean,
    toxic_refusal: toxic.mean,
    seemingly_toxic_refusal: seeminglyToxic.mean,
    general_refusal: general.mean,
    held_out_loss: generalLoss,
    separation: gaps.length === 0 ? null : gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length,
  };
}
