import { readFile } from "node:fs/promises";
import { DiscernError } from "../protocol/errors.ts";
import { type Report, reportSchema } from "../protocol/report/report.ts";
import { runPaths } from "./folder.ts";

/** The report of a run folder, or of a report file. @throws DiscernError `run-invalid`. */
export async function readReport(path: string): Promise<Report> {
  const file = path.endsWith(".json") ? path : runPaths(path).report;
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
