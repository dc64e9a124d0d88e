import { type Arm, BEFORE, type Report } from "../../protocol/report.ts";
import {
  currentJudgements,
  judgementsPath,
  readJudgements,
  withJudgements,
} from "../../run_folder/judgements.ts";
import { readReport } from "../../run_folder/report_file.ts";
import { buildReport } from "../evaluate/report.ts";
import { brokenLines } from "./judged.ts";

/**
 * One report over several runs, compared on the prompts that all answered. The model before training, which each run
 * may bring, stands first and once. What people judged in one run holds for the same answer in every other.
 *
 * @throws DiscernError `run-invalid`.
 */
export async function compareRuns(paths: readonly string[]): Promise<Report> {
  const reports = await Promise.all(paths.map(readReport));
  const logs = await Promise.all(
    paths.map(async (path) => ({ path, log: await readJudgements(judgementsPath(path)) })),
  );
  const judged = currentJudgements(logs.flatMap(({ log }) => log.judgements));
  return buildReport({
    model: reports[0]!.model,
    arms: withoutRepeats(
      withJudgements(
        reports.flatMap(({ arms }) => arms),
        judged,
      ),
    ),
    series: reports.flatMap(({ series }) => series),
    contamination: distinct(reports.flatMap(({ contamination }) => contamination)),
    notes: brokenLines(logs),
  });
}

/** The arms, the untrained ones first; of those the ones that gave the same answers as an earlier one are left out. */
function withoutRepeats(arms: readonly Arm[]): Arm[] {
  const answers = ({ results }: Arm) =>
    JSON.stringify(results.map(({ suite, id, response }) => [suite, id, response]));
  const untrained = arms.filter(({ name }) => name === BEFORE);
  const first = new Map(untrained.toReversed().map((arm) => [answers(arm), arm]));
  return [...[...first.values()].reverse(), ...arms.filter(({ name }) => name !== BEFORE)];
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
