import type { Cell, Plan } from "../protocol/cells.ts";
import type { RunEventOf } from "../protocol/events.ts";
import type { MonitoredMeasure } from "../protocol/monitoredMeasures.ts";
import type { StopRules } from "../protocol/sweep.ts";
import { monitoredMeasure } from "./ranking.ts";
import { monitoredFigures, TrialRuns } from "./trialRuns.ts";

/** Why a trial is ended before its last step. */
export type EarlyStop = Pick<RunEventOf<"stopped-early">, "rule" | "reason">;

type Probe = Pick<
  RunEventOf<"probe">,
  "stage" | "step" | "toxic" | "seeminglyToxic" | "general" | "generalLoss" | "separation"
>;

/**
 * The rules by which a trial of a sweep is ended. It is compared with the trials before it in the plan, of its rung and seed, that have
 * finished: in a plan that is run in order these are always the same, so that a sweep that is resumed stops what it would have stopped.
 */
export class TrialRules {
  private readonly runs: TrialRuns;
  private readonly rules: StopRules | undefined;
  private readonly measure: MonitoredMeasure;
  private readonly higher: boolean;
  private readonly lastStage: number;
  private readonly earlier: readonly Cell[];

  /**
   * @param folder folder of the plan.
   * @param cell with its recipe completed.
   */
  constructor({ sweep, cells }: Plan, folder: string, cell: Cell) {
    this.runs = new TrialRuns(folder);
    this.rules = sweep?.stop;
    const { objective } = sweep ?? {};
    this.measure = (this.rules?.measure ?? objective?.measure ?? "discernment") as MonitoredMeasure;
    const own = objective?.on === "monitored" && objective.measure === this.measure && objective.direction;
    this.higher = own ? own === "maximise" : monitoredMeasure(this.measure)?.direction === "higher";
    this.lastStage = cell.recipe.stages.length - 1;
    const place = cells.findIndex(({ name }) => name === cell.name);
    this.earlier = cells
      .slice(0, place)
      .filter(({ seed, trial }) => seed === cell.seed && trial?.rung === cell.trial?.rung);
  }

  /**
   * Why the trial is hopeless as a probe found it; null while it is not.
   *
   * @param isEnd whether the stage ends with this probe: a trial that has come to its end is worse, but not stopped.
   */
  async hopeless(probe: Probe, isEnd: boolean): Promise<EarlyStop | null> {
    const { rules } = this;
    if (rules === undefined) return null;
    const figures = monitoredFigures(probe);
    const { heldOutLoss } = rules;
    if (heldOutLoss !== undefined && figures.held_out_loss !== null && figures.held_out_loss > heldOutLoss) {
      return {
        rule: "held-out-loss",
        reason: `The held-out loss is ${words(figures.held_out_loss)} nats per token, above ${words(heldOutLoss)}: it has diverged.`,
      };
    }
    const value = figures[this.measure];
    const isCompared = probe.stage === this.lastStage && probe.step >= Math.max(1, rules.from) && !isEnd;
    if (value === null || !isCompared) return null;
    const others = await this.valuesAt(probe.step);
    if (others.length < rules.after) return null;
    const middle = median(others);
    const behind = this.higher ? middle - value : value - middle;
    if (behind <= rules.margin) return null;
    return {
      rule: "median",
      reason:
        `At step ${probe.step} of its last stage ${this.measure} is ${words(value)}, worse by ${words(behind)} than ${words(middle)}, ` +
        `the median of ${others.length} trials that finished; the margin is ${words(rules.margin)}.`,
    };
  }

  /** The measure at a step of the last stage, of each trial that finished before. */
  private async valuesAt(step: number): Promise<number[]> {
    const values: number[] = [];
    for (const cell of this.earlier) {
      const run = await this.runs.read(cell);
      if (run.state !== "finished") continue;
      const found = run.probes.find((probe) => probe.stage === run.lastStage && probe.step === step);
      const value = found?.figures[this.measure] ?? null;
      if (value !== null) values.push(value);
    }
    return values;
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A figure in a sentence, with three significant digits. */
function words(value: number): string {
  return String(Number(value.toPrecision(3)));
}
