import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { readRemarks } from "../../runFolder/about.ts";
import { isReport, isRun, runPaths } from "../../runFolder/folder.ts";
import { reportStamp } from "../../runFolder/reportJudgements.ts";
import { FolderReader, type RunSummary } from "./summary.ts";

/** Whether a folder holds a report and no run, as one over runs that were compared does. */
export async function isReportAlone(folder: string): Promise<boolean> {
  return (await isReport(folder)) && !(await isRun(folder));
}

/** Keeps the summary of a folder that holds a report and no run. */
export class ReportReader extends FolderReader {
  protected async look(): Promise<RunSummary | null> {
    const report = await reportStamp(this.folder);
    if (report === null) return null;
    const written = await stat(runPaths(this.folder).report).catch(() => null);
    const remarks = await readRemarks(this.folder);
    return {
      kind: "report",
      ...(remarks && { remarks }),
      name: basename(this.folder),
      state: "finished",
      manifest: null,
      step: 0,
      totalSteps: null,
      stage: null,
      stages: [],
      etaSeconds: null,
      answered: [],
      last: null,
      device: null,
      report,
      // Its modification time changes when it is judged anew; when the folder was made is not known everywhere.
      ...(written && { startedAt: written.mtime.toISOString() }),
    };
  }
}
