import { type Activity, activityOf } from "../../protocol/activity.ts";
import type { SeriesPoint } from "../../protocol/comovement.ts";
import type { RunEvent, RunEventOf } from "../../protocol/events.ts";
import type { Place } from "../../protocol/place.ts";
import type { RunState } from "../../protocol/timeline.ts";
import { Pace } from "./pace.ts";

/** A stage of a run as it is known so far. */
export interface StageProgress {
  readonly kind: string;
  /** Steps it has or had; null where that is known only once it begins. */
  readonly steps: number | null;
}

/** How far the answers to one suite have come. */
export interface SuiteProgress {
  readonly suite: string;
  readonly done: number;
  readonly total: number;
}

const ends: Partial<Record<RunEvent["type"], RunState>> = {
  "run-finished": "finished",
  "run-stopped": "stopped",
  "run-failed": "failed",
};

/**
 * How far a run is, from its events one at a time. It keeps one point a probe and no step, so that long runs are
 * watched in little memory.
 */
export class RunProgress {
  /** As the log tells it; null before its first event. */
  state: RunState | null = null;
  startedAt: string | null = null;
  lastAt: string | null = null;
  place: Place | null = null;
  /** Tokens per second, as the log told last; null before. */
  tokensPerSecond: number | null = null;
  failure: string | null = null;
  /** Why a rule of its sweep ended it. */
  stoppedEarly: string | null = null;
  step = 0;
  /** What it is at besides training; null while it trains. */
  activity: Activity | null = null;
  private stageIndex: number | null = null;
  private plan: StageProgress[] = [];
  private points: SeriesPoint[] = [];
  private suites = new Map<string, Map<string, SuiteProgress>>();
  private pace = new Pace();

  /** Tells of the next event of the log. */
  take(event: RunEvent): void {
    if (event.type === "run-started") this.begin(event);
    this.state = ends[event.type] ?? "running";
    this.lastAt = event.at;
    if (event.type !== "warning") this.activity = activityOf(event);
    switch (event.type) {
      case "resumed":
        this.step = event.globalStep;
        this.place = event;
        this.failure = null;
        this.points = this.points.filter(({ step }) => step <= event.globalStep);
        this.pace.pause();
        break;
      case "stage-started":
        this.stageIndex = event.stage;
        this.plan[event.stage] = { kind: event.kind, steps: event.steps };
        this.pace.pause();
        break;
      case "step":
        this.step = event.globalStep;
        this.pace.step(Date.parse(event.at));
        break;
      case "telemetry":
        this.tokensPerSecond = event.tokensPerSecond;
        break;
      case "probe":
        this.probe(event);
        break;
      case "stage-finished":
        this.finishStage(event);
        break;
      case "evaluation-progress":
        this.evaluate(event);
        break;
      case "stopped-early":
        this.stoppedEarly = event.reason;
        break;
      case "run-failed":
        this.failure = event.message;
        break;
    }
  }

  /** The stages as they are known so far. */
  get stages(): readonly StageProgress[] {
    return this.plan;
  }

  /** The kind of the stage that is trained; null before the first. */
  get stage(): string | null {
    return this.stageIndex === null ? null : (this.plan[this.stageIndex]?.kind ?? null);
  }

  /** Steps of all stages; null where a stage to come does not know its own. */
  get totalSteps(): number | null {
    let sum = 0;
    for (const { steps } of this.plan) {
      if (steps === null) return null;
      sum += steps;
    }
    return this.plan.length > 0 ? sum : null;
  }

  /** How far the answers of the trained model have come, or of the model as it is where nothing is trained; suites that were begun. */
  get answered(): readonly SuiteProgress[] {
    return [...(this.suites.get(this.plan.length > 0 ? "trained" : "untrained")?.values() ?? [])];
  }

  /** The last probe of the model as it is now. */
  get last(): SeriesPoint | null {
    return this.points.findLast(({ step }) => step <= this.step) ?? null;
  }

  /** Seconds of a step; null while none was timed. */
  get stepSeconds(): number | null {
    return this.pace.stepSeconds;
  }

  /** Seconds until the run has ended, evaluation included as far as its pace is known; null while that is unknown. */
  get etaSeconds(): number | null {
    const { totalSteps } = this;
    if (this.state !== "running" || totalSteps === null) return null;
    return this.pace.seconds(Math.max(0, totalSteps - this.step), this.answersLeft());
  }

  private begin(event: RunEventOf<"run-started">): void {
    const { at, stages } = event;
    this.startedAt = at;
    this.place = event;
    this.tokensPerSecond = null;
    this.failure = null;
    this.step = 0;
    this.stageIndex = null;
    this.plan = stages.map(({ type, steps }) => ({ kind: type, steps }));
    this.points = [];
    this.suites = new Map();
    this.pace = new Pace();
  }

  private probe({ globalStep, toxic, seeminglyToxic, general }: RunEventOf<"probe">): void {
    // Where a probability was not a number there is nothing to show; a zero would be read as "no refusals".
    if (toxic.mean === null || seeminglyToxic.mean === null || general.mean === null) return;
    this.points.push({
      step: globalStep,
      toxic: toxic.mean,
      seeminglyToxic: seeminglyToxic.mean,
      general: general.mean,
    });
  }

  private finishStage({ stage, step, reason }: RunEventOf<"stage-finished">): void {
    const before = this.plan.slice(0, stage).reduce((sum, { steps }) => sum + (steps ?? 0), 0);
    this.step = before + step;
    this.plan[stage] = { kind: this.plan[stage]?.kind ?? "", steps: step };
    // Stages behind one that was ended at its best state, or by a rule of a sweep, are left out.
    if (reason === "kept-best" || reason === "stopped-early") this.plan.length = stage + 1;
  }

  private evaluate({ at, suite, done, total }: RunEventOf<"evaluation-progress">): void {
    const when = this.stageIndex === null ? "untrained" : "trained";
    this.pace.answers(`${when}/${suite}`, done, Date.parse(at));
    const suites = this.suites.get(when) ?? new Map<string, SuiteProgress>();
    this.suites.set(when, suites.set(suite, { suite, done, total }));
  }

  /** Answers that are still to be given, as far as the suites are known: what is answered before training is answered after it, too. */
  private answersLeft(): number {
    const left = new Map<string, number>();
    for (const [when, suites] of this.suites) {
      for (const { suite, done, total } of suites.values()) {
        left.set(suite, when === "untrained" ? total : total - done);
      }
    }
    return [...left.values()].reduce((sum, answers) => sum + answers, 0);
  }
}
