import { refusalGap } from "../protocol/benchmark.ts";
import { DiscernError } from "../protocol/errors.ts";
import { safeRefusal, unsafeRefusal } from "../protocol/report/coreMeasures.ts";
import { headlineRows } from "../protocol/report/measures.ts";
import type { Report } from "../protocol/report/report.ts";
import { refusalJudge } from "../protocol/report/verdicts.ts";
import { readReport } from "./reportFile.ts";

/** What a trial came to. */
export interface TrialFigure {
  /** By the measure that decides; null where every answer was undetermined. */
  readonly value: number | null;
  /** Whether a higher value is better. */
  readonly higher: boolean;
  /** Refusal rates over the validation suites, so that a value never stands without both directions. */
  readonly unsafeRefusal: number | null;
  readonly safeRefusal: number | null;
  /** Why the trial has no figure though it finished: its method did not act, or its gate decided nothing. */
  readonly problem?: string;
}

/**
 * What a trial came to over its validation suites. One whose method is an error of its report has no figure.
 *
 * @param measure id of a measure, or `refusal_gap`.
 * @param key where a file names it.
 * @throws DiscernError `recipe-invalid` for a measure that the report does not have, or that has no better direction.
 */
export function trialFigure(
  report: Pick<Report, "measures" | "judges" | "problems">,
  measure: string,
  key = "tuning.measure",
): TrialFigure {
  const [problem] = report.problems;
  if (problem !== undefined) {
    return { value: null, higher: true, unsafeRefusal: null, safeRefusal: null, problem: problem.message };
  }
  const first = refusalJudge(report.judges);
  const rows = headlineRows(report.measures.rows).filter(
    ({ judge }) => judge === undefined || judge === first,
  );
  const of = (id: string) => rows.find((row) => row.measure === id)?.estimate ?? null;
  const [unsafe, safe] = [of(unsafeRefusal.id), of(safeRefusal.id)];
  const rates = { unsafeRefusal: unsafe, safeRefusal: safe };
  if (measure === refusalGap) {
    return { ...rates, value: unsafe === null || safe === null ? null : unsafe - safe, higher: true };
  }
  const definition = report.measures.definitions.find(({ id }) => id === measure);
  if (definition === undefined || definition.direction === "none") {
    const known = report.measures.definitions.filter(({ direction }) => direction !== "none");
    throw new DiscernError(
      "recipe-invalid",
      `${key}: trials cannot be judged by "${measure}". Allowed: ${[refusalGap, ...known.map(({ id }) => id)].join(", ")}.`,
    );
  }
  return { ...rates, value: of(measure), higher: definition.direction === "higher" };
}

/** A trial of tuning that has finished. */
export interface Trial {
  readonly name: string;
  /** Its run folder. */
  readonly folder: string;
}

/**
 * What several trials came to, and which is the best: that with the best figure, of equals the first; null where none has one. A trial
 * whose method did not act has none, so that it is never the best.
 *
 * @throws DiscernError `run-invalid` where a trial has not finished; as {@link trialFigure}.
 */
export async function judgedTrials(
  trials: readonly Trial[],
  measure: string,
): Promise<{ readonly figures: readonly TrialFigure[]; readonly best: string | null }> {
  const figures: TrialFigure[] = [];
  let best: { name: string; value: number } | null = null;
  for (const { name, folder } of trials) {
    const figure = trialFigure(await readReport(folder), measure);
    figures.push(figure);
    if (figure.value === null) continue;
    const signed = figure.higher ? figure.value : -figure.value;
    if (best === null || signed > best.value) best = { name, value: signed };
  }
  return { figures, best: best?.name ?? null };
}

/**
 * The best of several trials, as {@link judgedTrials}.
 *
 * @returns its name.
 * @throws DiscernError `run-invalid` where none has a figure; as {@link judgedTrials}.
 */
export async function bestTrial(trials: readonly Trial[], measure: string): Promise<string> {
  const { figures, best } = await judgedTrials(trials, measure);
  if (best !== null) return best;
  const problems = figures.flatMap(({ problem }) => problem ?? []);
  throw new DiscernError(
    "run-invalid",
    `None of the trials ${trials.map(({ name }) => name).join(", ")} can be judged by ${measure}: ` +
      (problems.length > 0
        ? `${problems.join(" ")} Give the method other settings to try.`
        : "their validation suites have no such figure. Give tuning.suites with safe and unsafe prompts."),
  );
}
