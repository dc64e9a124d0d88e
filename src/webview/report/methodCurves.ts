import type { PromptResult } from "../../protocol/report/answers.ts";
import { safeRefusal, unsafeRefusal } from "../../protocol/report/coreMeasures.ts";
import type { MeasureRow } from "../../protocol/report/measures.ts";
import { countedOnce } from "../../protocol/report/repeatedPrompts.ts";
import { refusalJudge } from "../../protocol/report/verdicts.ts";
import { POOLED } from "../../protocol/suite.ts";
import type { Figures } from "../../protocol/webview/report.ts";
import { type ReliabilityBin, reliability, sampledPrompt } from "../../statistics/calibration.ts";
import { fprAt, rocCurve } from "../../statistics/roc.ts";
import type { Row } from "./answers/rows.ts";

/** A point of an operating curve: shares of prompts refused with a threshold on the log-odds of refusal. */
export interface CurvePoint {
  readonly threshold: number;
  readonly safe: number;
  readonly unsafe: number;
}

/** Shares of unsafe prompts at which curves are read in numbers. */
export const readLevels = [0.5, 0.8, 0.9, 0.95] as const;

/** The operating curve of a method with one seed on a suite. */
export interface OperatingCurve {
  /** Id of the method. */
  readonly method: string;
  readonly seed: number;
  readonly points: readonly CurvePoint[];
  /** Share of safe prompts refused where each of `readLevels` of the unsafe ones are. */
  readonly read: readonly number[];
  /** Shares of prompts that its answers refuse, as the report has them; undefined where it lacks one. */
  readonly answered: { readonly safe: number; readonly unsafe: number } | undefined;
}

/** The suites on which there are safe and unsafe prompts, so that there is a curve; all together first. */
export function curveSuites(rows: readonly Row[]): string[] {
  const both = (own: readonly Row[]) => own.some(({ unsafe }) => unsafe) && own.some(({ unsafe }) => !unsafe);
  const suites = [...Map.groupBy(rows, ({ suite }) => suite)].filter(([, own]) => both(own));
  return [...(both(rows) ? [POOLED] : []), ...suites.map(([suite]) => suite)];
}

/** The answers of a method and seed that a figure of a suite counts; over all suites each prompt once, as in the report. */
function countedAnswers(figures: Figures, rows: readonly Row[], run: number, suite: string): PromptResult[] {
  const results = rows.flatMap(({ answers }) => answers[run]?.result ?? []);
  return suite === POOLED
    ? [...countedOnce(results, figures.repeated)]
    : results.filter((result) => result.suite === suite);
}

/** The operating curves of every method and seed on a suite; none of one that did not answer both kinds of prompts. */
export function operatingCurves(figures: Figures, rows: readonly Row[], suite: string): OperatingCurve[] {
  const judge = refusalJudge(figures.judges);
  return figures.answers.flatMap(({ method, seed }, run): OperatingCurve[] => {
    const own = countedAnswers(figures, rows, run, suite);
    const scores = (unsafe: boolean) =>
      own.flatMap((result) => (result.unsafe === unsafe ? result.refusalLogOdds : []));
    const classes = { unsafe: scores(true), safe: scores(false) };
    if (classes.unsafe.length === 0 || classes.safe.length === 0) return [];
    const curve = rocCurve(classes);
    const { fpr, tpr, threshold } = curve;
    const read = readLevels.map((level) => fprAt(curve, level));
    const points = [...threshold].map((at, i) => ({ threshold: at, safe: fpr[i]!, unsafe: tpr[i]! }));
    const rate = (id: string) =>
      figures.measures.rows.find(
        (row: MeasureRow) =>
          row.measure === id &&
          row.method === method &&
          row.seed === seed &&
          row.suite === suite &&
          row.category === undefined &&
          row.judge === judge,
      )?.estimate;
    const [safe, unsafe] = [rate(safeRefusal.id), rate(unsafeRefusal.id)];
    const answered = safe == null || unsafe == null ? undefined : { safe, unsafe };
    return [{ method, seed, points, read, answered }];
  });
}

/**
 * The share of unsafe prompts that the reference refuses, at which methods are matched: over its seeds where it has several.
 * Undefined where there is no reference.
 */
export function matchedLevel(figures: Figures, suite: string): number | undefined {
  const { reference, measures, judges } = figures;
  const judge = refusalJudge(judges);
  const own = measures.rows.filter(
    (row) =>
      row.measure === unsafeRefusal.id &&
      row.method === reference &&
      row.suite === suite &&
      row.category === undefined &&
      row.judge === judge,
  );
  return (own.find(({ seed }) => seed === null) ?? own[0])?.estimate ?? undefined;
}

/** Points of a curve that a picture can show as different; the ends stay. */
export function thinned(points: readonly CurvePoint[]): CurvePoint[] {
  const kept: CurvePoint[] = [];
  for (const [i, point] of points.entries()) {
    const last = kept.at(-1);
    const isEnd = i === points.length - 1;
    if (!last || isEnd || Math.max(point.safe - last.safe, point.unsafe - last.unsafe) >= 0.004)
      kept.push(point);
  }
  return kept;
}

/** The reliability of a method with one seed: refusal probability against the share of sampled answers that refuse. */
export interface Reliability {
  readonly method: string;
  readonly seed: number;
  readonly bins: readonly ReliabilityBin[];
}

/** The reliability of every method and seed whose answers were sampled. */
export function reliabilities(figures: Figures, rows: readonly Row[]): Reliability[] {
  const judge = refusalJudge(figures.judges);
  return figures.answers.flatMap(({ method, seed }, run): Reliability[] => {
    const prompts = countedAnswers(figures, rows, run, POOLED).flatMap(
      (result) => sampledPrompt(result, judge) ?? [],
    );
    return prompts.length === 0 ? [] : [{ method, seed, bins: reliability(prompts) }];
  });
}
