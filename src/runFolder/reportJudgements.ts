import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Judgement } from "../protocol/judgement.ts";
import type { Report } from "../protocol/report/report.ts";
import { findRunFolders } from "./findRuns.ts";
import { isReport, runPaths } from "./folder.ts";
import {
  appendJudgements,
  currentJudgements,
  type Judged,
  type JudgementLog,
  judgementsPath,
  readJudgements,
  withJudgements,
} from "./judgements.ts";
import { readReport } from "./reportFile.ts";

/*
 * A judgement belongs to an answer, so it counts in every report that holds the answer. It is kept twice: beside the report in which it
 * was made, so that a run folder that is copied elsewhere takes its judgements along, and in one log for all runs in a folder of runs.
 * Reports are never rewritten for it: what people said is put on their answers when they are read.
 */

/** Levels above a report's folder at which a folder of runs may be: a run of an experiment in the folder of a study. */
const levels = 3;

/** The log of what people judged in any report below a folder of runs. */
export function sharedJudgementsPath(runsFolder: string): string {
  return runPaths(runsFolder).judgements;
}

/** The logs of the folders of runs that a report lies in, the nearest first. A log beside a report is that report's own. */
export async function sharedLogsOf(report: string): Promise<string[]> {
  const found: string[] = [];
  let folder = dirname(resolve(judgementsPath(report)));
  for (let level = 0; level < levels && dirname(folder) !== folder; level++) {
    folder = dirname(folder);
    const path = sharedJudgementsPath(folder);
    if ((await stampOf(path)) !== null && !(await isReport(folder))) found.push(path);
  }
  return found;
}

/** What people said of the answers of a report and of other reports of its folder of runs, and the logs that say so. */
export interface ReportJudgements {
  readonly judged: Judged;
  /** Its own log first. */
  readonly logs: readonly (JudgementLog & { readonly path: string })[];
}

/**
 * What people judged that holds for reports: as it stands beside each of them, and in the logs of the folders of runs that they lie in.
 *
 * @param reports run folders, or report files.
 * @throws DiscernError `run-invalid` when a log exists and cannot be read.
 */
export async function reportJudgements(reports: readonly string[]): Promise<ReportJudgements> {
  const shared = await Promise.all(reports.map(sharedLogsOf));
  const paths = [...new Set([...reports.map((report) => resolve(judgementsPath(report))), ...shared.flat()])];
  const logs = await Promise.all(paths.map(async (path) => ({ path, ...(await readJudgements(path)) })));
  return { judged: currentJudgements(logs.flatMap(({ judgements }) => judgements)), logs };
}

/** A report as it is read together with what people judged. */
export interface JudgedReport {
  /** With people's verdicts on its answers. Its figures are as they were written. */
  readonly report: Report;
  /** Whether people's verdicts change an answer: its figures then have to be worked out anew. */
  readonly isChanged: boolean;
}

/**
 * The report of a run folder, with people's verdicts on its answers.
 *
 * @throws DiscernError `run-invalid`.
 */
export async function readJudgedReport(path: string): Promise<JudgedReport> {
  const [report, { judged }] = await Promise.all([readReport(path), reportJudgements([path])]);
  const answers = withJudgements(report.answers, judged);
  return { report: { ...report, answers: [...answers] }, isChanged: answers !== report.answers };
}

/**
 * Keeps a judgement beside the report in which it was made and, for all other reports that hold the answer, in the log of the folder of
 * runs. That log is made with the first judgement, of all that was judged in the folder before; later, what the report's own log has in
 * addition, such as lines that were merged by hand, is added along with it.
 *
 * @param runsFolder the folder of runs that the report lies in; where null, a log that there is above it is used.
 * @throws DiscernError `run-unwritable`, `disk-full`.
 */
export async function keepJudgement(
  report: string,
  judgement: Judgement,
  runsFolder: string | null,
): Promise<void> {
  const own = resolve(judgementsPath(report));
  await appendJudgements(own, [judgement]);
  const shared = runsFolder === null ? (await sharedLogsOf(report))[0] : sharedJudgementsPath(runsFolder);
  if (shared === undefined || shared === own) return;
  const isNew = (await stampOf(shared)) === null;
  const below = isNew ? await findRunFolders(dirname(shared), { reports: true }) : [];
  const logs = await Promise.all([...new Set([...below.map(judgementsPath), own])].map(readJudgements));
  const known = new Set((await readJudgements(shared)).judgements.map((one) => JSON.stringify(one)));
  const lacking = logs
    .flatMap(({ judgements }) => judgements)
    .filter((one) => !known.has(JSON.stringify(one)));
  await appendJudgements(shared, lacking);
}

/**
 * Tells one state of a report and of what was judged in it from every other. Of what was judged in other reports it says nothing: that
 * would make every report of a folder another one with each judgement.
 *
 * @returns null where there is no report.
 */
export async function reportStamp(path: string): Promise<string | null> {
  const [report, judgements] = await Promise.all([
    stampOf(runPaths(path).report),
    stampOf(judgementsPath(path)),
  ]);
  return report && `${report} ${judgements ?? ""}`;
}

function stampOf(file: string): Promise<string | null> {
  return stat(file).then(
    (found) => (found.isFile() ? `${found.mtimeMs} ${found.size}` : null),
    () => null,
  );
}
