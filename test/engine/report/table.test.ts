import { describe, expect, test } from "vitest";
import { buildReport } from "../../../src/engine/evaluate/report.ts";
import { reportCsv } from "../../../src/engine/report/csv.ts";
import { latexText, reportLatex } from "../../../src/engine/report/latex.ts";
import { reportMarkdown } from "../../../src/engine/report/markdown.ts";
import type { Report } from "../../../src/protocol/report/report.ts";
import { answeredSuites, reportTable } from "../../../src/protocol/report/table.ts";
import { exampleBenchmark, exampleReport } from "../evaluate/fixture.ts";

/** A made-up report with a reference, whose methods and suites may have other names. */
function report(rename: (name: string) => string = (name) => name): Report {
  const { methods, answers, judges, series, model } = exampleReport();
  return buildReport(
    {
      ...{ model, judges, reference: rename("STL"), benchmark: exampleBenchmark },
      methods: methods.map((method) => ({ ...method, id: rename(method.id), name: rename(method.name) })),
      answers: answers.map((one) => ({
        ...one,
        method: rename(one.method),
        results: one.results.map((result) => ({ ...result, suite: rename(result.suite) })),
      })),
      series: series.map((one) => ({ ...one, method: rename(one.method) })),
    },
    { draws: 100 },
  );
}

describe("the table of methods by suites", () => {
  test("has safety and over-refusal of every suite, and marks what differs from the reference by adjusted p alone", () => {
    const found = report();
    const { columns, rows } = reportTable(found, answeredSuites(found));
    expect(columns.map(({ suite, definition }) => `${suite} ${definition.id}`)).toEqual([
      "XSTest unsafe_refusal",
      "XSTest safe_refusal",
      "OKTest safe_refusal",
      "pooled matched_safe_refusal",
      "pooled discernment",
    ]);
    expect(rows.map(({ method }) => method.name)).toEqual(["untrained", "STL", "DCR → STL"]);
    const [untrained, reference, dcr] = rows.map(({ cells }) => cells);
    expect(reference!.every((cell) => cell?.against === null)).toBe(true);
    // It refuses less of everything: better for safe prompts, worse for unsafe ones.
    expect(untrained!.slice(0, 3).map((cell) => cell!.against)).toEqual(["worse", "better", "better"]);
    expect(dcr![1]!.against).toBe("better");
    for (const [i, cell] of dcr!.entries()) {
      const { suite, definition } = columns[i]!;
      const difference = found.comparisons
        .find(({ second }) => second === "DCR → STL")!
        .differences.find((one) => one.suite === suite && one.measure === definition.id)!;
      expect(cell!.against !== null).toBe(difference.holm! < 0.05);
      expect(cell!.row.seed).toBeNull();
    }
  });

  test("has no marks without a reference", () => {
    const example = exampleReport();
    const { rows } = reportTable(example, answeredSuites(example));
    expect(rows.flatMap(({ cells }) => cells.flatMap((cell) => cell?.against ?? []))).toEqual([]);
  });
});

/** What would be a command, a comment, a row's end, a formula or a new column. */
const hostile = '=HYPERLINK("x"),\\input{/etc/passwd} % & $x$ #1 _a^b ~ {c}\r\n\\\\ | → 日本';

describe("LaTeX", () => {
  test("is a table with booktabs, intervals, bold by significance, and a caption with n, seeds and judge", () => {
    const text = reportLatex(report());
    expect(text).toMatch(
      /\\toprule\n& \\multicolumn\{2\}\{c\}\{XSTest\} & \\multicolumn\{1\}\{c\}\{OKTest\} & \\multicolumn\{2\}\{c\}\{All suites\} \\\\/,
    );
    expect(text).toMatch(/DCR \$\\rightarrow\$ STL & .*\\textbf\{.*\\%\} \{\\scriptsize \[.*\]\}/);
    expect(text).toContain("3 seeds");
    expect(text).toMatch(/XSTest \(unsafe\) \$n = \d+\$/);
    expect(text).toMatch(/judged by XSTest.*string rules \(version 1\)/);
    expect(text).toContain("best of 2 trials on panel");
    expect(text).toContain("Not available: phtest.");
    expect(text).toContain("% Missing suite phtest: It is not on this machine.");
  });

  test("takes nothing of a name as a command", () => {
    expect(latexText(hostile)).toBe(
      "=HYPERLINK(''x''),\\textbackslash{}input\\{/etc/passwd\\} \\% \\& \\$x\\$ \\#1 \\_a\\textasciicircum{}b \\textasciitilde{} \\{c\\} " +
        "\\textbackslash{}\\textbackslash{} \\textbar{} $\\rightarrow$ 日本",
    );
    expect(latexText("a\u0000b\u2028c☃")).toBe("a b c?");
    const plain = reportLatex(report()).split("\n");
    const renamed = reportLatex(report((name) => `${name}${hostile}`)).split("\n");
    expect(renamed).toHaveLength(plain.length);
    const separators = (line: string) => line.replaceAll("\\&", "").split("&").length;
    expect(renamed.map(separators)).toEqual(plain.map(separators));
    expect(renamed.join("\n")).not.toContain("\\input");
  });
});

/** A CSV text read by the rules of RFC 4180. */
function parsed(text: string): string[][] {
  const rows: string[][] = [[""]];
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const row = rows.at(-1)!;
    if (quoted && text.startsWith('""', i)) row[row.length - 1] += text[i++];
    else if (text[i] === '"') quoted = !quoted;
    else if (!quoted && text[i] === ",") row.push("");
    else if (!quoted && text.startsWith("\r\n", i)) {
      rows.push([""]);
      i++;
    } else row[row.length - 1] += text[i];
  }
  return rows.slice(0, -1);
}

describe("CSV", () => {
  test("has every row of the measures, with the difference to the reference beside those over seeds", () => {
    const found = report();
    const [header, ...rows] = parsed(reportCsv(found));
    expect(rows).toHaveLength(found.measures.rows.length);
    for (const row of rows) expect(row).toHaveLength(header!.length);
    const as = rows.map((row) => Object.fromEntries(header!.map((key, i) => [key, row[i]!])));
    const [one] = as.filter(
      ({ method, seed, suite, measure, category }) =>
        method === "DCR → STL" &&
        seed === "all" &&
        suite === "XSTest" &&
        measure === "safe_refusal" &&
        category === "",
    );
    const difference = found.comparisons
      .find(({ second }) => second === "DCR → STL")!
      .differences.find((each) => each.suite === "XSTest" && each.measure === "safe_refusal")!;
    expect([one!.reference, Number(one!.difference), Number(one!.p_holm)]).toEqual([
      "STL",
      difference.difference.value,
      difference.holm,
    ]);
    expect(as.filter(({ seed, difference: given }) => seed !== "all" && given !== "")).toEqual([]);
  });

  test("holds hostile names as text: no formula, no further cell or row", () => {
    const plain = parsed(reportCsv(report()));
    const rows = parsed(reportCsv(report((name) => `${hostile}${name}`)));
    expect(rows.map((row) => row.length)).toEqual(plain.map((row) => row.length));
    expect(rows[1]![0]!.startsWith("'=HYPERLINK")).toBe(true);
    for (const row of rows.slice(1)) for (const cell of row) expect(cell).not.toMatch(/^[=+@]/);
  });
});

test("Markdown of a benchmark has the table, missing suites, openings, tuning and costs", () => {
  const text = reportMarkdown(report());
  for (const part of [
    "## Methods by suites",
    "▲ better and ▼ worse than STL",
    "| phtest | It is not on this machine. |",
    "whoever chose by their figures chose on the test suite",
    "| XSTest | 120 | abababababab | 7 | 2 |",
    "| untrained | no trials |",
    "| STL | stages.0.steps = 120 | 0.6 | 90 % | 30 % | chosen |",
    "| DCR → STL (on STL) | 0 | 60 s | 30 s | 2 min | 2.0e+14 | 1.6 GB | 2 min |",
  ]) {
    expect(text).toContain(part);
  }
});
