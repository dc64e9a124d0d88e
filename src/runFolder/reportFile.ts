import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { type Report, reportSchema } from "../protocol/report/report.ts";
import { reportAbout } from "./about.ts";
import { runPaths } from "./folder.ts";
import { laboratoryMentions } from "./laboratoryMentions.ts";

/**
 * The report of a run folder, or of a report file. The results of probes that it mentions are those that lie with the run now: they
 * are measured after the evaluation, too. So is what people say about the run.
 *
 * @throws DiscernError `run-invalid`.
 */
export async function readReport(path: string): Promise<Report> {
  const file = reportPath(path);
  const { laboratory, about: _, ...rest } = await parsedReport(file);
  const mentions = (await laboratoryMentions(dirname(file))) ?? laboratory ?? [];
  const about = await reportAbout(dirname(file));
  return { ...rest, ...(mentions.length > 0 && { laboratory: mentions }), ...(about && { about }) };
}

/** The report of a run folder, or a report file itself. */
export function reportPath(path: string): string {
  return path.endsWith(".json") ? path : runPaths(path).report;
}

async function parsedReport(file: string): Promise<Report> {
  try {
    return reportSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    const message =
      (cause as NodeJS.ErrnoException).code === "ENOENT"
        ? `There is no ${file}. The run has not been evaluated, or its folder was deleted or moved.`
        : `${file} is not a report. Finish the run, or evaluate the model first.`;
    throw new DiscernError("run-invalid", message, { cause });
  }
}
