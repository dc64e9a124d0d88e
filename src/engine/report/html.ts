import type { ProbeResult } from "../../protocol/probe/result.ts";
import { reportTitle } from "../../protocol/report/head.ts";
import type { Report } from "../../protocol/report/report.ts";
import type { SweepResults } from "../../protocol/report/sweep.ts";
import type { ShownResult } from "../../protocol/webview/laboratory.ts";
import { pageFile } from "./pageFile.ts";

/**
 * The report as one HTML file that needs nothing else.
 *
 * @param results those of the laboratory that it mentions.
 * @throws DiscernError `file-missing` where the page was not built.
 */
export function reportHtml(report: Report, results: readonly ShownResult[]): Promise<string> {
  return pageFile({
    page: "report",
    values: { report, results },
    title: `${reportTitle(report)} · Discern report`,
    withoutScript:
      "This report is drawn by a script that it contains. Its numbers are also in report.json and report.md.",
  });
}

/** The result of a probe as one HTML file that needs nothing else. @throws DiscernError `file-missing` where the page was not built. */
export function probeHtml(result: ProbeResult): Promise<string> {
  return pageFile({
    page: "laboratory",
    values: { result },
    title: `${result.title} · ${result.run?.name ?? result.model.name} · Discern`,
    withoutScript:
      "This result is drawn by a script that it contains. Its numbers are also in its JSON file.",
  });
}

/** The table and figures of a sweep as one HTML file that needs nothing else. @throws DiscernError `file-missing` where the page was not built. */
export function sweepHtml(results: SweepResults): Promise<string> {
  return pageFile({
    page: "benchmark",
    values: { sweep: results },
    title: `${results.name} · Discern sweep`,
    withoutScript:
      "This page is drawn by a script that it contains. Its numbers are also in sweep.json, trials.csv and report.md.",
  });
}
