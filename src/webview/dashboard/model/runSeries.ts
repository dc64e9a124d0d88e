import type { Estimate, SeriesPoint } from "../../../protocol/comovement.ts";
import type { RunEventOf } from "../../../protocol/events.ts";
import type { Place } from "../../../protocol/place.ts";
import type { Telemetry } from "../../../protocol/telemetry.ts";
import {
  type PanelName,
  panelNames,
  type ShownEvent,
  type StepRow,
} from "../../../protocol/webview/dashboard.ts";
import { meanProbability } from "../../../statistics/mean.ts";
import { RunningSpillOver } from "../../../statistics/spillOver.ts";
import type { Unit } from "../../../wording/numbers.ts";
import type { BandPoint, Point } from "../../ui/plotSpec.ts";

/** What is measured at each step of a stage. */
export const stepMeasures = ["loss", "separation", "retention", "learningRate"] as const;
type StepMeasure = (typeof stepMeasures)[number];

/** A stage and what was measured in it, over global steps. */
export interface StageSeries extends Record<StepMeasure, Point[]> {
  readonly kind: RunEventOf<"stage-started">["kind"];
  /** Global step after which it began; null until its first step. */
  start: number | null;
}

/** Refusal of one panel over the probes. */
interface PanelSeries {
  readonly means: Point[];
  readonly bands: BandPoint[];
  /** Refusal probability of each prompt, by probe; NaN where it was none. */
  readonly perPrompt: Float32Array[];
}

/** A further measure of the panels over the probes: its means, where it was measured. */
export interface PanelMeasure {
  readonly title: string;
  readonly unit: Unit;
  readonly means: Record<PanelName, Point[]>;
}

/** One probe of a run, in figures. */
export interface ProbeFigures extends Record<PanelName, Estimate | null> {
  readonly step: number;
  readonly gap: number | null;
  /** Spill-over slope from the first probe to this one; null where it is not defined. */
  readonly spillOver: number | null;
  readonly generalLoss: number | null;
  /** Further measures of each panel, by id. */
  readonly measures: Readonly<Record<PanelName, ReadonlyMap<string, number>>>;
}

/**
 * The story of a run without returns, built event by event: a run that was killed repeats the steps after its last
 * checkpoint when it is resumed, and each step and probe is kept once, as it happened last.
 */
export class RunSeries {
  started: Extract<ShownEvent, { type: "run-started" }> | null = null;
  /** Where it is computed now; null before its first event. */
  place: Place | null = null;
  /** The last that is known of pace, memory and use of devices. */
  telemetry: Telemetry | null = null;
  readonly warnings: string[] = [];
  readonly stages: StageSeries[] = [];
  readonly probes: ProbeFigures[] = [];
  readonly panels: Record<PanelName, PanelSeries> = {
    toxic: emptyPanel(),
    seeminglyToxic: emptyPanel(),
    general: emptyPanel(),
  };
  /** Measures besides refusal, by id. */
  readonly panelMeasures = new Map<string, PanelMeasure>();
  /** Probes at which all three panels had a figure. */
  readonly comovement: SeriesPoint[] = [];
  /** Rises whenever probes changed, of which there are far fewer than steps. */
  probeRevision = 0;
  private spillOver = new RunningSpillOver();

  take(event: ShownEvent): void {
    if (isStep(event)) {
      this.step(event);
      return;
    }
    switch (event.type) {
      case "run-started":
        // A log that begins anew is another run's.
        this.rewind(-1);
        this.stages.length = 0;
        this.warnings.length = 0;
        this.started = event;
        this.place = event;
        this.telemetry = null;
        return;
      case "resumed":
        this.rewind(event.globalStep);
        this.place = event;
        return;
      case "telemetry":
        this.telemetry = event;
        return;
      case "stage-started":
        // A stage that is gone on with keeps what it has.
        this.stages[event.stage] ??= emptyStage(event.kind);
        return;
      case "probe":
        this.probe(event);
        return;
      case "warning":
        if (!this.warnings.includes(event.message)) this.warnings.push(event.message);
    }
  }

  /** Prompts in a panel; 0 before the first probe. */
  promptsIn(panel: PanelName): number {
    return this.panels[panel].perPrompt.at(-1)?.length ?? 0;
  }

  private step([globalStep, index, loss, learningRate, separation, retention]: StepRow): void {
    const stage = this.stages[index];
    if (!stage) return;
    if (stage.start === null || globalStep <= stage.start) stage.start = globalStep - 1;
    const measured = { loss, learningRate, separation, retention };
    for (const measure of stepMeasures) {
      const points = stage[measure];
      cut(points, globalStep - 1);
      const y = measured[measure];
      if (y !== null) points.push({ x: globalStep, y });
    }
  }

  private probe(event: RunEventOf<"probe">): void {
    const step = event.globalStep;
    this.probeRevision++;
    this.cutProbes(step - 1);
    const found = { toxic: null, seeminglyToxic: null, general: null } as Record<PanelName, Estimate | null>;
    for (const panel of panelNames) {
      const { perPrompt, mean } = event[panel];
      const finite = perPrompt.filter((value) => value !== null);
      const series = this.panels[panel];
      series.perPrompt.push(Float32Array.from(perPrompt, (value) => value ?? Number.NaN));
      if (mean === null || finite.length === 0) continue;
      const estimate = { ...meanProbability(finite), value: mean };
      found[panel] = estimate;
      series.means.push({ x: step, y: mean });
      series.bands.push({ x: step, lower: estimate.lower, upper: estimate.upper });
    }
    const { toxic, seeminglyToxic, general } = found;
    let spillOver = Number.NaN;
    if (toxic && seeminglyToxic) spillOver = this.spillOver.take(toxic.value, seeminglyToxic.value);
    if (toxic && seeminglyToxic && general) {
      this.comovement.push({
        step,
        toxic: toxic.value,
        seeminglyToxic: seeminglyToxic.value,
        general: general.value,
      });
    }
    this.probes.push({
      step,
      ...found,
      gap: toxic && seeminglyToxic ? toxic.value - seeminglyToxic.value : null,
      spillOver: Number.isFinite(spillOver) ? spillOver : null,
      generalLoss: event.generalLoss,
      measures: {
        toxic: this.measured(event, "toxic"),
        seeminglyToxic: this.measured(event, "seeminglyToxic"),
        general: this.measured(event, "general"),
      },
    });
  }

  /** Takes what else a probe measured of a panel. */
  private measured(event: RunEventOf<"probe">, panel: PanelName): Map<string, number> {
    const found = new Map<string, number>();
    for (const { measure, title, unit, estimate } of event[panel].measures ?? []) {
      if (estimate === null) continue;
      const known = this.panelMeasures.get(measure) ?? { title, unit, means: emptyMeans() };
      this.panelMeasures.set(measure, known);
      known.means[panel].push({ x: event.globalStep, y: estimate });
      found.set(measure, estimate);
    }
    return found;
  }

  /** Forgets what came after a step. */
  private rewind(step: number): void {
    for (const stage of this.stages) {
      for (const measure of stepMeasures) cut(stage[measure], step);
      if (stage.start !== null && stage.start >= step) stage.start = null;
    }
    this.cutProbes(step);
  }

  private cutProbes(step: number): void {
    let dropped = false;
    while (this.probes.length > 0 && this.probes.at(-1)!.step > step) {
      this.probes.pop();
      for (const panel of panelNames) this.panels[panel].perPrompt.pop();
      dropped = true;
    }
    if (!dropped) return;
    this.probeRevision++;
    for (const panel of panelNames) {
      cut(this.panels[panel].means, step);
      cut(this.panels[panel].bands, step);
      for (const { means } of this.panelMeasures.values()) cut(means[panel], step);
    }
    while (this.comovement.length > 0 && this.comovement.at(-1)!.step > step) this.comovement.pop();
    this.spillOver = new RunningSpillOver();
    for (const { toxic, seeminglyToxic } of this.probes) {
      if (toxic && seeminglyToxic) this.spillOver.take(toxic.value, seeminglyToxic.value);
    }
  }
}

function isStep(event: ShownEvent): event is StepRow {
  return Array.isArray(event);
}

/** Drops the points after a step. */
function cut(points: { x: number }[], step: number): void {
  while (points.length > 0 && points.at(-1)!.x > step) points.pop();
}

function emptyPanel(): PanelSeries {
  return { means: [], bands: [], perPrompt: [] };
}

function emptyMeans(): PanelMeasure["means"] {
  return { toxic: [], seeminglyToxic: [], general: [] };
}

function emptyStage(kind: StageSeries["kind"]): StageSeries {
  return { kind, start: null, loss: [], separation: [], retention: [], learningRate: [] };
}
