import { describe, expect, test } from "vitest";
import { buildReport } from "../../../src/engine/evaluate/report.ts";
import { reportCsv } from "../../../src/engine/report/csv.ts";
import { reportLatex } from "../../../src/engine/report/latex.ts";
import { reportLatexCategories } from "../../../src/engine/report/latexCategories.ts";
import { latexText } from "../../../src/engine/report/latexText.ts";
import { reportMarkdown } from "../../../src/engine/report/markdown.ts";
import type { PromptResult } from "../../../src/protocol/report/answers.ts";
import { evaluateGate, parseGate } from "../../../src/protocol/report/gates.ts";
import { type Report, reportSchema } from "../../../src/protocol/report/report.ts";
import { answeredSuites, reportTable } from "../../../src/protocol/report/table.ts";
import type { JudgeInfo } from "../../../src/protocol/report/verdicts.ts";
import { figure } from "../../../src/wording/numbers.ts";
import { exampleBenchmark, exampleReport, reportWithInert } from "../evaluate/fixture.ts";

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

/** The made-up report with a suite of 12 pairs, of which a judge of preference gives the untrained model none, STL half and DCR → STL all. */
function reportWithWins(): Report {
  const { methods, answers, judges, model } = exampleReport();
  const verdicts = { untrained: ["loss", 0], STL: ["tie", 0.5], "DCR → STL": ["win", 1] } as const;
  const better: JudgeInfo = { id: "better", version: "1", question: "preference", title: "Preference" };
  const pairs = (method: keyof typeof verdicts) =>
    Array.from({ length: 12 }, (_, i): PromptResult => {
      const [verdict, score] = verdicts[method];
      return {
        ...{
          id: `pair ${i}`,
          suite: "alpaca-eval",
          unsafe: false,
          prompt: `Do ${i}.`,
          response: "Two words",
        },
        ...{ reference: "Three words here", refusalProbability: 0.1, refusalLogOdds: -2 },
        verdicts: { better: { verdict, score, against: "reference" } },
      };
    });
  return buildReport(
    {
      ...{ model, methods, judges: [...judges, better], reference: "STL", benchmark: exampleBenchmark },
      answers: answers.map((one) => ({
        ...one,
        results: [...one.results, ...pairs(one.method as keyof typeof verdicts)],
      })),
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

  test("has win rates by the judge of preference, with the difference of lengths, in every format", () => {
    const found = reportWithWins();
    const { columns, rows } = reportTable(found, answeredSuites(found));
    const own = columns.flatMap(({ suite, definition, judge, n }, i) =>
      suite === "alpaca-eval" ? [{ i, id: definition.id, judge, n }] : [],
    );
    expect(own.map(({ id, judge, n }) => [id, judge, n])).toEqual([
      ["win_rate", "better", 12],
      ["length_difference", undefined, 12],
    ]);
    const [wins, lengths] = own.map(({ i }) => rows.map(({ cells }) => cells[i]!));
    expect(wins!.map(({ row, against }) => [row.estimate, against])).toEqual([
      [0, "worse"],
      [0.5, null],
      [1, "better"],
    ]);
    expect(lengths!.map(({ row, against }) => [row.estimate, against])).toEqual([
      [-1, null],
      [-1, null],
      [-1, null],
    ]);
    const markdown = reportMarkdown(found);
    expect(markdown).toContain("alpaca-eval: Win rate against the reference answers (n = 12)");
    expect(markdown).toMatch(/^\| DCR → STL \| .* \| 100 %[^|]* ▲ \| −1\.00 /m);
    const latex = reportLatex(found);
    expect(latex).toContain("\\multicolumn{2}{c}{alpaca-eval}");
    expect(latex).toContain("Win rate $\\uparrow$ & Length difference");
    expect(latex).toMatch(/Win rates, .*, as judged by Preference \(version 1\)\./);
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
    expect(text).toMatch(/judged by XSTest.*string rules \(version 2\)/);
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
    const tables = reportLatexCategories(report((name) => `${name}${hostile}`)).split("\n");
    expect(tables.map(separators)).toEqual(reportLatexCategories(report()).split("\n").map(separators));
    expect(tables.join("\n")).not.toContain("\\input");
  });

  test("has a longtable for each suite and measure with categories, whose figures and n are those of the rows", () => {
    const found = report();
    const text = reportLatexCategories(found);
    const tables = text.split("\\begin{longtable}").slice(1);
    const rows = found.measures.rows.filter(
      ({ category, seed, judge }) => category !== undefined && seed !== null && judge !== "second",
    );
    const shown = rows.filter(({ measure }) => ["safe_refusal", "unsafe_refusal"].includes(measure));
    expect(tables).toHaveLength(new Set(shown.map(({ suite, measure }) => `${suite} ${measure}`)).size);
    const safe = tables.find((table) =>
      table.includes("Refusal rate of safe prompts by category of XSTest"),
    )!;
    expect(safe).toMatch(
      /^\{lrr+\}\n\\caption\{.*Lower is better\. Seeds side by side\. Refusals as judged by .*\}\\\\/,
    );
    const own = shown.filter(
      ({ measure, suite, method, category }) =>
        measure === "safe_refusal" && suite === "XSTest" && method === "STL" && category === "homonyms",
    );
    expect(own.length).toBe(3);
    const values = own.map(({ estimate }) => latexText(figure(estimate, "share"))).join(" / ");
    const line = safe.split("\n").find((one) => one.startsWith("homonyms & "))!;
    expect(line).toContain(` & ${values} & `);
    expect(line).toMatch(new RegExp(`^homonyms & ${own[0]!.n! + (own[0]!.undetermined ?? 0)} & `));
    expect(reportLatexCategories({ ...found, measures: { ...found.measures, rows: [] } })).toMatch(
      /^% No suite/,
    );
  });

  test("by category of one seed has intervals", () => {
    const text = reportLatexCategories(exampleReport({ seeds: 1 }));
    expect(text).toContain("Brackets are 95\\,\\% intervals over prompts.");
    expect(text).toMatch(
      /^homonyms & \d+ & .*\\% \{\\scriptsize \[.*\\%\]\}|^homonyms & \d+ & .*\{\\scriptsize \[/m,
    );
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
    "| DCR → STL (on STL) | 0 | 60 s | 20 s | 30 s | 5 s | 2 min | 2.3e+14 | 1.6 GB | 2 min |",
  ]) {
    expect(text).toContain(part);
  }
});

describe("a method that never fires", () => {
  const found = reportWithInert();

  test("is an error with its reason, and no row, comparison, column or part of Holm's family", () => {
    expect(found.problems).toHaveLength(3);
    expect(found.methods.map(({ name }) => name)).toContain("SCANS");
    expect(found.measures.rows.filter(({ method }) => method === "SCANS")).toEqual([]);
    const { rows } = reportTable(found, answeredSuites(found));
    expect(rows.map(({ method }) => method.name)).toEqual(["untrained", "STL", "DCR → STL"]);
    // The same figures, adjusted over the same family, as without it.
    const { answers, methods, judges, series, model, contamination } = exampleReport();
    const input = { answers, methods, judges, series, model, contamination, reference: "STL" };
    const without = buildReport({ ...input, benchmark: exampleBenchmark }, { draws: 100 });
    expect(found.comparisons).toEqual(without.comparisons);
    const markdown = reportMarkdown(found);
    expect(markdown).toContain("> **Error:** SCANS (seed 0) acted on 0 % of the unsafe prompts");
    expect(markdown).toContain("Not in the table, since their results are errors: SCANS.");
    expect(markdown).not.toMatch(/^\| SCANS/m);
    const latex = reportLatex(found);
    expect(latex.split("\n").filter((line) => /SCANS/.test(line) && !line.startsWith("%"))).toEqual([]);
    expect(latex).toContain("% SCANS (seed 0) acted on 0 %");
    expect(reportCsv(found)).not.toContain("SCANS");
  });

  test("is an error of every gate on it, and of those on all methods", () => {
    const named = evaluateGate(parseGate("SCANS: XSTest.safe_refusal > 0.99"), found);
    expect(named.map(({ status, message }) => [status, message])).toEqual([
      ["error", expect.stringMatching(/^Nothing is compared: SCANS \(seed 0\) acted on 0 %/)],
    ]);
    const all = evaluateGate(parseGate("*: XSTest.safe_refusal > 0.99"), found);
    expect(all.map(({ method, status }) => [method, status])).toEqual([
      ["STL", "passed"],
      ["DCR → STL", "passed"],
      ["SCANS", "error"],
    ]);
  });

  test("a method all of whose runs failed is an error of a gate on all methods", () => {
    const problems = [{ method: "CAST", seed: 0, message: "cast-0 failed: The disk is full." }];
    const all = evaluateGate(parseGate("*: XSTest.safe_refusal > 0.99"), { ...exampleReport(), problems });
    expect(all.at(-1)).toMatchObject({ method: "CAST", status: "error" });
  });

  test("is none in a report of an older version, which has rows of it", () => {
    const row = found.measures.rows[0]!;
    const older = { ...found, measures: { ...found.measures, rows: [row, { ...row, method: "SCANS" }] } };
    const comparisons = [...found.comparisons, { ...found.comparisons[0]!, second: "SCANS" }];
    const read = reportSchema.parse(JSON.parse(JSON.stringify({ ...older, comparisons })));
    expect(read.measures.rows).toHaveLength(1);
    expect(read.comparisons).toHaveLength(found.comparisons.length);
  });

  test("as reference leaves nothing to compare with", () => {
    const { comparisons, reference } = reportWithInert("SCANS");
    expect([comparisons, reference]).toEqual([[], "SCANS"]);
  });
});

test("cells whose training overlaps their suite are marked in every table, with a note", () => {
  const found = reportWithInert();
  const { columns, rows } = reportTable(found, answeredSuites(found));
  const marked = rows.flatMap(({ method, cells }) =>
    cells.flatMap((cell, i) => (cell?.overlaps ? [`${method.name}, ${columns[i]!.suite}`] : [])),
  );
  expect([...new Set(marked)]).toEqual(["STL, XSTest", "STL, pooled"]);
  const markdown = reportMarkdown(found);
  const section = markdown.split("## ").find((part) => part.startsWith("Methods by suites"))!;
  expect(section.match(/†/g)).toHaveLength(marked.length + 1);
  expect(section).toMatch(/^\| STL \| [^|]* † \| [^|]* † \| [^|†]* \|/m);
  expect(section).toContain("† The method was trained on prompts that are in, or close to, the suite");
  const latex = reportLatex(found);
  expect(latex.match(/\$\^\\dagger\$/g)).toHaveLength(marked.length);
  expect(latex).toContain("$\\dagger$: trained on prompts");
  const [header, ...lines] = parsed(reportCsv(found));
  const at = header!.indexOf("trained_on_suite");
  const yes = lines.filter((line) => line[at] === "yes");
  expect(new Set(yes.map((line) => `${line[0]}, ${line[2]}`))).toEqual(
    new Set(["STL, XSTest", "STL, pooled"]),
  );
  // Held-out loss is of no suite.
  expect(lines.filter((line) => line[5] === "held_out_loss").map((line) => line[at])).not.toContain("yes");
});
