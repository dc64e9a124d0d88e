import type { ProbeResult } from "../../protocol/probe/result.ts";
import { reportTitle } from "../../protocol/report/head.ts";
import type { Report } from "../../protocol/report/report.ts";
import type { SweepResults } from "../../protocol/report/sweep.ts";
import { pageFile } from "./pageFile.ts";

/** The report as one HTML file that needs nothing else. @throws DiscernError `file-missing` where the page was not built. */
export function reportHtml(report: Report): Promise<string> {
  return pageFile({
    ...{ page: "report", id: "report", value: report },
    title: `${reportTitle(report)} · Discern report`,
    withoutScript:
      "This report is drawn by a script that it contains. Its numbers are also in report.json and report.md.",
  });
}

/** The result of a probe as one HTML file that needs nothing else. @throws DiscernError `file-missing` where the page was not built. */
export function probeHtml(result: ProbeResult): Promise<string> {
  return pageFile({
    ...{ page: "laboratory", id: "result", value: result },
    title: `${result.title} · ${result.run?.name ?? result.model.name} · Discern`,
    withoutScript:
      "This result is drawn by a script that it contains. Its numbers are also in its JSON file.",
  });
}

/** The table and figures of a sweep as one HTML file that needs nothing else. @throws DiscernError `file-missing` where the page was not built. */
export function sweepHtml(results: SweepResults): Promise<string> {
  return pageFile({
    ...{ page: "benchmark", id: "sweep", value: results },
    title: `${results.name} · Discern sweep`,
    withoutScript:
      "This page is drawn by a script that it contains. Its numbers are also in sweep.json, trials.csv and report.md.",
  });
}
