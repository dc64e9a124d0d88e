import type { MethodAnswers } from "../../protocol/report/answers.ts";
import { methodName } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";

/** A report as commands print it: with the answers also under `arms`, where scripts written for version 0.1 look for them. */
export type PrintedReport = Report & {
  readonly arms: readonly (Pick<MethodAnswers, "seed" | "results"> & { readonly name: string })[];
};

/** What commands print of a report as JSON. */
export function printedReport(report: Report): PrintedReport {
  const arms = report.answers.map(({ method, seed, results }) => ({
    name: methodName(report.methods, method),
    seed,
    results,
  }));
  return { ...report, arms };
}
