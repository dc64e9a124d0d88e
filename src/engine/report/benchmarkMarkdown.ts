import type { BenchmarkRecord } from "../../protocol/report/benchmark.ts";
import { criteriaLines } from "../../protocol/report/criteria.ts";
import { rowWords } from "../../protocol/report/lines.ts";
import { controlsNote, methodName, notInTable } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import {
  answeredSuites,
  hasOverlaps,
  reportTable,
  significance,
  type TableCell,
  type TableColumn,
} from "../../protocol/report/table.ts";
import { overlapMark, overlapNote } from "../../protocol/report/training.ts";
import { POOLED } from "../../protocol/suite.ts";
import { counted, figure, quantity } from "../../wording/numbers.ts";
import { costsSection } from "./costsMarkdown.ts";
import { failuresSection } from "./failuresMarkdown.ts";
import { plain, table } from "./markdownText.ts";

/** What a benchmark's report says first: the table of methods by suites, and what it is held to. */
export function methodsBySuites(report: Report): string {
  const shown = reportTable(report, answeredSuites(report));
  const { columns, rows } = shown;
  if (columns.length === 0) return "";
  const header = [
    "method",
    ...columns.map(
      ({ suite, definition, n }) =>
        `${suite === POOLED ? "all suites" : suite}: ${definition.title}${n === null ? "" : ` (n = ${n})`}`,
    ),
  ];
  const body = rows.map(({ method, cells }) => [
    method.name,
    ...cells.map((cell, i) => cellWords(cell, columns[i]!)),
  ]);
  const { reference } = report;
  const marks =
    reference === undefined
      ? ""
      : ` ▲ better and ▼ worse than ${plain(methodName(report.methods, reference))}, p < ${significance} by the paired bootstrap, Holm-adjusted over the methods and suites of a measure.`;
  const below = [
    ...(hasOverlaps(shown) ? [overlapNote] : []),
    controlsNote(report) ?? [],
    notInTable(report) ?? [],
  ].flat();
  return [
    "## Methods by suites",
    `Rates are those of the first judge of each question.${marks}`,
    table(header, body),
    ...below.map(plain),
  ].join("\n\n");
}

function cellWords(cell: TableCell | null, { definition }: TableColumn): string {
  if (cell === null) return "–";
  const mark = cell.against === null ? "" : cell.against === "better" ? " ▲" : " ▼";
  return `${rowWords(cell.row, definition)}${mark}${cell.overlaps ? overlapMark : ""}`;
}

/** How the table came about: openings, tuning, costs, and cases that failed. */
export function benchmarkSections(report: Report): string[] {
  const { benchmark, methods, reference } = report;
  if (benchmark === undefined) return [];
  const nameOf = (id: string) => methodName(methods, id);
  return [
    criteria(benchmark, reference === undefined ? "not named" : nameOf(reference)),
    openings(benchmark),
    tuning(benchmark),
    costsSection(benchmark.costs, nameOf),
    failuresSection(report),
  ].filter((section) => section !== "");
}

function criteria(benchmark: BenchmarkRecord, reference: string): string {
  return ["## Margins and gates", ...criteriaLines(benchmark, reference).map(plain)].join("\n\n");
}

function openings({ openings: suites }: BenchmarkRecord): string {
  if (suites.length === 0) return "";
  const rows = suites.map(({ suite, prompts, sha256, openings: all, reported }) => [
    suite,
    `${prompts}`,
    sha256.slice(0, 12),
    `${reported}`,
    `${all - reported}`,
  ]);
  const again = suites.some((one) => one.openings > one.reported);
  return [
    "## Openings of test suites",
    again
      ? "A suite was also answered by runs that are not in this report: whoever chose by their figures chose on the test suite."
      : "Each run in this report answered each suite once, and no other run in this folder did.",
    table(["suite", "prompts", "SHA-256", "evaluations in this report", "others"], rows),
  ].join("\n\n");
}

function tuning({ tuning: record }: BenchmarkRecord): string {
  if (record === undefined) return "";
  const rows = record.methods.flatMap(({ method, trials }) =>
    trials.length === 0
      ? [[method, "no trials", "", "", "", ""]]
      : trials.map(({ settings, value, unsafeRefusal, safeRefusal, chosen, problem }) => [
          method,
          Object.entries(settings)
            .map(([key, setting]) => `${key} = ${JSON.stringify(setting)}`)
            .join(", "),
          quantity(value),
          figure(unsafeRefusal, "share"),
          figure(safeRefusal, "share"),
          chosen ? "chosen" : problem === undefined ? "" : `error: ${problem}`,
        ]),
  );
  return [
    "## Tuning",
    `${counted(record.budget, "trial")} of every method that was tuned, on ${record.suites.map(plain).join(", ")}, judged by ${plain(record.measure)}.`,
    table(["method", "settings", record.measure, "unsafe refused", "safe refused", ""], rows),
  ].join("\n\n");
}
