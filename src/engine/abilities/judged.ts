import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { type JudgeSpec, judgesSchema } from "../../protocol/judges.ts";
import type { Report } from "../../protocol/report/report.ts";
import type { ReportFormat } from "../../protocol/rpc.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { withJudgements } from "../../runFolder/judgements.ts";
import { readReport, reportPath } from "../../runFolder/reportFile.ts";
import { type ReportJudgements, reportJudgements } from "../../runFolder/reportJudgements.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { rebuildReport } from "../evaluate/report.ts";
import { carriedResults } from "../report/carriedResults.ts";
import { reportCsv } from "../report/csv.ts";
import { reportHtml } from "../report/html.ts";
import { reportLatex } from "../report/latex.ts";
import { reportLatexCategories } from "../report/latexCategories.ts";
import { reportMarkdown } from "../report/markdown.ts";

/**
 * The report of a run folder, or of a report file, with its figures worked out from people's verdicts on its answers, also those that
 * were given in another report of the same folder of runs. Where they change nothing it is the report as it was written.
 *
 * @throws DiscernError `run-invalid`.
 */
export async function judgedReport(path: string): Promise<Report> {
  const [report, { judged, logs }] = await Promise.all([readReport(path), reportJudgements([path])]);
  const answers = withJudgements(report.answers, judged);
  const notes = brokenLines(logs);
  return answers === report.answers && notes.length === 0
    ? report
    : rebuildReport(report, { answers }, notes);
}

/**
 * Judges as they are written on a command line: an id, a JSON object like those of `evaluate.judges`, or a file with one or a
 * list of them.
 *
 * @throws DiscernError `request-invalid` that names the key; `file-missing`.
 */
export async function parseJudges(texts: readonly string[]): Promise<JudgeSpec[]> {
  const specs: JudgeSpec[] = [];
  for (const text of texts) {
    const json = text.trimStart().startsWith("{")
      ? text
      : text.endsWith(".json")
        ? await judgeFile(text)
        : null;
    if (json === null) specs.push(text);
    else for (const spec of parsedJudges(json, text)) specs.push(spec);
  }
  return specs;
}

async function judgeFile(path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: Error) => {
    throw new DiscernError("file-missing", `The judge file ${path} cannot be read: ${cause.message}.`, {
      cause,
    });
  });
}

function parsedJudges(json: string, from: string): JudgeSpec[] {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new DiscernError("request-invalid", `The judge ${from} is not JSON: ${(cause as Error).message}.`, {
      cause,
    });
  }
  const parsed = judgesSchema.safeParse(Array.isArray(value) ? value : [value]);
  if (parsed.success) return parsed.data;
  throw new DiscernError("request-invalid", `The judge ${from}: ${z.prettifyError(parsed.error)}`);
}

/** What is to be said of lines that are not judgements. */
export function brokenLines(logs: ReportJudgements["logs"]): string[] {
  return logs.flatMap(({ path, broken }) =>
    broken.length === 0
      ? []
      : [
          `${path}: line ${broken.join(", ")} ${broken.length === 1 ? "is not a judgement and was" : "are not judgements and were"} skipped.`,
        ],
  );
}

/**
 * A report as a text of one of the formats.
 *
 * @param path its run folder or its file, beside which the results lie that it mentions.
 */
export async function reportAs(report: Report, format: ReportFormat, path: string): Promise<string> {
  switch (format) {
    case "markdown":
      return reportMarkdown(report);
    case "html":
      return reportHtml(report, await carriedResults(dirname(reportPath(path)), report.laboratory ?? []));
    case "latex":
      return reportLatex(report);
    case "latex-categories":
      return reportLatexCategories(report);
    case "csv":
      return reportCsv(report);
  }
}

/**
 * Writes a report in one of the formats, with people's verdicts in its figures.
 *
 * @param into the file; an older one is replaced at once and whole.
 * @throws DiscernError `run-invalid`, `run-unwritable`, `disk-full`.
 */
export async function exportReport(path: string, format: ReportFormat, into: string): Promise<void> {
  const text = await reportAs(await judgedReport(path), format, path);
  try {
    await writeAtomic(into, text);
  } catch (error) {
    throw writeFailure(error, into);
  }
}
