import { controlsNote, methodName, notInTable, problemLines } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import {
  answeredSuites,
  hasOverlaps,
  type ReportTable,
  reportTable,
  significance,
  type TableCell,
  type TableColumn,
  tableJudges,
} from "../../protocol/report/table.ts";
import type { Question } from "../../protocol/report/verdicts.ts";
import { POOLED } from "../../protocol/suite.ts";
import { figure, interval } from "../../wording/numbers.ts";
import { latexText, oneLine } from "./latexText.ts";

/**
 * The table of methods by suites for a paper: booktabs, intervals, and a caption that says what a reader must know of it. A value is bold
 * where it is significantly better than the reference and underlined where it is significantly worse, so that a method that gains one way
 * and loses the other shows both.
 */
export function reportLatex(report: Report): string {
  const shown = reportTable(report, answeredSuites(report));
  const { columns, rows } = shown;
  if (columns.length === 0) return "% The report has no measure of a suite.\n";
  const groups = suiteGroups(columns);
  const lines = [
    "% Needs \\usepackage{booktabs}. A wide table may need \\resizebox{\\textwidth}{!}{...} around its tabular.",
    ...missingLines(report),
    "\\begin{table*}",
    "\\centering",
    "\\small",
    `\\caption{${caption(report, shown)}}`,
    `\\begin{tabular}{l${"r".repeat(columns.length)}}`,
    "\\toprule",
    `& ${groups.map(({ suite, size }) => `\\multicolumn{${size}}{c}{${suite === POOLED ? "All suites" : latexText(suite)}}`).join(" & ")} \\\\`,
    groups.map(({ from, size }) => `\\cmidrule(lr){${from + 2}-${from + size + 1}}`).join(" "),
    `Method & ${columns.map(header).join(" & ")} \\\\`,
    "\\midrule",
    ...rows.map(
      ({ method, cells }) =>
        `${latexText(method.name)} & ${cells.map((cell, i) => cellText(cell, columns[i]!)).join(" & ")} \\\\`,
    ),
    "\\bottomrule",
    "\\end{tabular}",
    "\\end{table*}",
  ];
  return `${lines.join("\n")}\n`;
}

/** Suites that stand over several columns, with where these begin. */
function suiteGroups(columns: readonly TableColumn[]): { suite: string; from: number; size: number }[] {
  const groups: { suite: string; from: number; size: number }[] = [];
  for (const [i, { suite }] of columns.entries()) {
    const last = groups.at(-1);
    if (last?.suite === suite) last.size++;
    else groups.push({ suite, from: i, size: 1 });
  }
  return groups;
}

const short: Readonly<Record<string, string>> = {
  unsafe_refusal: "Unsafe refused",
  safe_refusal: "Safe refused",
  attack_success: "Attack success",
  accuracy: "acc",
  accuracy_norm: "acc\\_norm",
  win_rate: "Win rate",
  length_difference: "Length difference",
  matched_safe_refusal: "Safe refused at matched safety",
  discernment: "AUROC",
};

const arrows = { higher: "$\\uparrow$", lower: "$\\downarrow$", none: "" };

function header({ definition: { id, title, direction } }: TableColumn): string {
  return `${short[id] ?? latexText(title)} ${arrows[direction]}`.trim();
}

function cellText(cell: TableCell | null, { definition: { unit } }: TableColumn): string {
  if (cell === null) return "--";
  const { row, against, overlaps } = cell;
  const value = latexText(figure(row.estimate, unit));
  const ends = row.interval ? ` {\\scriptsize ${latexText(interval(row.interval, unit))}}` : "";
  const marked =
    against === "better" ? `\\textbf{${value}}` : against === "worse" ? `\\underline{${value}}` : value;
  return `${marked}${overlaps ? "$^\\dagger$" : ""}${ends}`;
}

/** What a judge of each question decides, in a caption. */
export const judgedWords: Readonly<Record<Question, string>> = {
  refusal: "Refusals",
  harm: "Attack success",
  preference: "Win rates, against the answers of the suite and not controlled for length,",
};

function caption(report: Report, shown: ReportTable): string {
  const { columns } = shown;
  const { methods, reference, judges, model, benchmark, answers } = report;
  const judging = tableJudges(judges).filter(({ id }) => columns.some((column) => column.judge === id));
  const seeds = new Set(benchmark?.seeds ?? answers.map(({ seed }) => seed)).size;
  const sizes = [
    ...new Map(
      columns
        .filter(({ suite, n }) => suite !== POOLED && n !== null)
        .map(({ suite, group, n }) => [
          `${suite} ${group}`,
          `${latexText(suite)} ${group === "all" ? "" : `(${group}) `}$n = ${n}$`,
        ]),
    ).values(),
  ];
  return [
    `Methods on ${latexText(model.name)}, ${seeds} ${seeds === 1 ? "seed" : "seeds"}.`,
    seeds === 1
      ? "Brackets are 95\\,\\% intervals over prompts."
      : "Means over seeds; brackets are 95\\,\\% intervals over seeds, of a method with one seed over prompts.",
    ...(sizes.length > 0 ? [`Prompts: ${sizes.join(", ")}.`] : []),
    ...judging.map(
      ({ question, title, version }) =>
        `${judgedWords[question]} as judged by ${latexText(title)} (version ${latexText(version)}).`,
    ),
    ...(reference === undefined
      ? []
      : [
          `Bold: better than ${latexText(methodName(methods, reference))}, underlined: worse, each at $p < ${significance}$ (paired bootstrap, Holm-adjusted over the methods and suites of a measure).`,
        ]),
    ...(hasOverlaps(shown) ? ["$\\dagger$: trained on prompts that are in, or close to, the suite."] : []),
    ...[controlsNote(report) ?? []].flat().map(latexText),
    ...(benchmark?.tuning
      ? [
          `Settings of tuned methods are the best of ${benchmark.tuning.budget} trials on ${benchmark.tuning.suites.map(latexText).join(", ")}.`,
        ]
      : []),
    ...(benchmark && benchmark.missing.length > 0
      ? [`Not available: ${benchmark.missing.map(({ suite }) => latexText(suite)).join(", ")}.`]
      : []),
  ].join(" ");
}

/** What comments of the file say of suites that could not be had, and of methods that are errors. */
function missingLines(report: Report): string[] {
  const { benchmark, problems } = report;
  const left = notInTable(report);
  return [
    ...(benchmark?.missing ?? []).map(
      ({ suite, reason }) => `% Missing suite ${oneLine(suite)}: ${oneLine(reason)}`,
    ),
    ...(left === undefined ? [] : [left, ...problemLines(problems)].map((text) => `% ${oneLine(text)}`)),
  ];
}
