import { type CategoryTable, categoryTable } from "../../protocol/report/categories.ts";
import { type MeasureLine, measureLines } from "../../protocol/report/lines.ts";
import type { MeasureDefinition, MeasureRow } from "../../protocol/report/measures.ts";
import { erroneousMethods, methodName } from "../../protocol/report/methods.ts";
import type { Report } from "../../protocol/report/report.ts";
import { bySuite, tableJudges } from "../../protocol/report/table.ts";
import { isOverlapping } from "../../protocol/report/training.ts";
import { figure, interval } from "../../wording/numbers.ts";
import { judgedWords } from "./latex.ts";
import { latexText } from "./latexText.ts";

/**
 * The measures of the table of methods by suites, by category: a longtable for each suite and measure, categories by methods, for the appendix of
 * a paper. Where a method has several seeds they stand side by side, as in Markdown.
 */
export function reportLatexCategories(report: Report): string {
  const judging = new Set(tableJudges(report.judges).map(({ id }) => id));
  const lines = measureLines(report.measures, report.judges).filter(
    ({ definition, judge }) => bySuite.includes(definition.id) && (judge === undefined || judging.has(judge)),
  );
  const erroneous = erroneousMethods(report);
  const methods = report.methods.map(({ id }) => id).filter((id) => !erroneous.has(id));
  const suites = [...new Set(lines.flatMap(({ rows }) => rows.map(({ suite }) => suite)))];
  const tables = suites.flatMap((suite) =>
    lines.flatMap((line) => {
      const shown = categoryTable(
        line.rows.filter((row) => row.suite === suite),
        methods,
      );
      return shown.rows.length === 0 ? [] : [longtable(report, suite, line, shown)];
    }),
  );
  if (tables.length === 0) return "% No suite of the report has categories.\n";
  const needs =
    "% Needs \\usepackage{booktabs,longtable}. Tables of many methods may need landscape pages (\\usepackage{pdflscape}).";
  return `${[needs, ...tables].join("\n\n")}\n`;
}

function longtable(
  report: Report,
  suite: string,
  { definition, judge }: MeasureLine,
  { methods, rows }: CategoryTable,
): string {
  const names = methods.map((id) => latexText(methodName(report.methods, id)));
  const head = `Category & $n$ & ${names.join(" & ")} \\\\`;
  return [
    "{\\small",
    `\\begin{longtable}{lr${"r".repeat(methods.length)}}`,
    `\\caption{${caption(
      report,
      suite,
      definition,
      judge,
      rows.flatMap((row) => row.methods.flat()),
    )}}\\\\`,
    ...["\\toprule", head, "\\midrule", "\\endfirsthead"],
    ...["\\toprule", head, "\\midrule", "\\endhead", "\\bottomrule", "\\endfoot"],
    ...rows.map(
      ({ category, n, methods: own }) =>
        `${latexText(category)} & ${n ?? "--"} & ${own.map((seeds) => cell(report, seeds, definition)).join(" & ")} \\\\`,
    ),
    "\\end{longtable}",
    "}",
  ].join("\n");
}

function cell(report: Report, seeds: readonly MeasureRow[], { unit }: MeasureDefinition): string {
  const [only, ...others] = seeds;
  if (only === undefined) return "--";
  const values = seeds.map(({ estimate }) => latexText(figure(estimate, unit))).join(" / ");
  const mark = seeds.some((row) => isOverlapping(report, row)) ? "$^\\dagger$" : "";
  const ends =
    others.length === 0 && only.interval ? ` {\\scriptsize ${latexText(interval(only.interval, unit))}}` : "";
  return `${values}${mark}${ends}`;
}

function caption(
  report: Report,
  suite: string,
  { title, direction }: MeasureDefinition,
  judge: string | undefined,
  rows: readonly MeasureRow[],
): string {
  const { judges, model } = report;
  const by = judges.find(({ id }) => id === judge);
  const several = new Set(rows.map(({ seed }) => seed)).size > 1;
  return [
    `${latexText(title)} by category of ${latexText(suite)}, methods on ${latexText(model.name)}.`,
    ...(direction === "none" ? [] : [`${direction === "higher" ? "Higher" : "Lower"} is better.`]),
    several ? "Seeds side by side." : "Brackets are 95\\,\\% intervals over prompts.",
    ...(by
      ? [
          `${judgedWords[by.question]} as judged by ${latexText(by.title)} (version ${latexText(by.version)}).`,
        ]
      : []),
    ...(rows.some((row) => isOverlapping(report, row))
      ? ["$\\dagger$: trained on prompts that are in, or close to, the suite."]
      : []),
  ].join(" ");
}
