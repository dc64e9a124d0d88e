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
}

/**
 * What a trial came to over its validation suites.
 *
 * @param measure id of a measure, or `refusal_gap`.
 * @param key where a file names it.
 * @throws DiscernError `recipe-invalid` for a measure that the report does not have, or that has no better direction.
 */
export function trialFigure(
  report: Pick<Report, "measures" | "judges">,
  measure: string,
  key = "tuning.measure",
): TrialFigure {
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
 * The best of several trials; of equals the first.
 *
 * @returns its name.
 * @throws DiscernError `run-invalid` where a trial has not finished, or none has a figure; as {@link trialFigure}.
 */
export async function bestTrial(trials: readonly Trial[], measure: string): Promise<string> {
  let best: { name: string; value: number } | null = null;
  for (const { name, folder } of trials) {
    const { value, higher } = trialFigure(await readReport(folder), measure);
    if (value === null) continue;
    const signed = higher ? value : -value;
    if (best === null || signed > best.value) best = { name, value: signed };
  }
  if (best !== null) return best.name;
  throw new DiscernError(
    "run-invalid",
    `None of the trials ${trials.map(({ name }) => name).join(", ")} can be judged by ${measure}: their validation suites have no such figure. ` +
      "Give tuning.suites with safe and unsafe prompts.",
  );
}
