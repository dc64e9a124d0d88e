import { labelLogPath } from "../../dataset/labels.ts";
import { type Arm, BEFORE, type Report } from "../../protocol/report.ts";
import { openRun } from "../../run_folder/folder.ts";
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
    notes: [...brokenLines(logs), ...(await changedData(paths))],
  });
}

/**
 * What is to be said of prompt files and label logs that two runs both read, or one of them could have, and that changed in
 * between: a difference of the runs may then be one of their data.
 */
async function changedData(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      openRun(path).then(
        ({ manifest }) => manifest.data,
        // A report file that lies by itself: nothing is known of its data.
        () => [],
      ),
    ),
  );
  const runs = found.map((data) => new Map(data.map(({ file, sha256 }) => [file, sha256])));
  const files = new Set(runs.flatMap((run) => [...run.keys()]));
  const changed = [...files].filter((prompts) => {
    const readers = runs.filter((run) => run.has(prompts));
    // Without a log nobody had labelled yet.
    const versions = readers.map((run) => `${run.get(prompts)} ${run.get(labelLogPath(prompts)) ?? ""}`);
    return new Set(versions).size > 1;
  });
  if (changed.length === 0) return [];
  return [
    `Between the runs these changed: ${changed.join(", ")}. A difference may come from that, not from the recipe.`,
  ];
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
