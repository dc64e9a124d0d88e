import { readFile } from "node:fs/promises";
import { DiscernError } from "../../protocol/errors.ts";
import { type Arm, BEFORE, type Report, reportSchema } from "../../protocol/report.ts";
import { runPaths } from "../../run_folder/folder.ts";
import { buildReport } from "../evaluate/report.ts";

/** The report of a run folder, or of a report file. @throws DiscernError `run-invalid`. */
export async function readReport(path: string): Promise<Report> {
  const file = path.endsWith(".json") ? path : runPaths(path).report;
  try {
    return reportSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    throw new DiscernError(
      "run-invalid",
      `${file} is not a report. Finish the run, or evaluate the model first.`,
      {
        cause,
      },
    );
  }
}

/**
 * One report over several runs, compared on the prompts that all answered. The model before training, which each run
 * may bring, stands first and once.
 *
 * @throws DiscernError `run-invalid`.
 */
export async function compareRuns(paths: readonly string[]): Promise<Report> {
  const reports = await Promise.all(paths.map(readReport));
  return buildReport({
    model: reports[0]!.model,
    arms: withoutRepeats(reports.flatMap(({ arms }) => arms)),
    series: reports.flatMap(({ series }) => series),
    contamination: distinct(reports.flatMap(({ contamination }) => contamination)),
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
