import { beforeAll, describe, expect, test } from "vitest";
import { compare as compareRuns } from "../../../src/engine/evaluate/compare.ts";
import { evaluatedPrompts } from "../../../src/engine/evaluate/evaluatedPrompts.ts";
import { measured } from "../../../src/engine/evaluate/measured.ts";
import { contrasts } from "../../../src/engine/evaluate/measures/contrasts.ts";
import { allMeasures } from "../../../src/engine/evaluate/measures/measures.ts";
import { buildReport, rebuildReport } from "../../../src/engine/evaluate/report.ts";
import { reportMarkdown } from "../../../src/engine/report/markdown.ts";
import type { MethodAnswers, PromptResult } from "../../../src/protocol/report/answers.ts";
import type { Comparison } from "../../../src/protocol/report/comparison.ts";
import { headlineRows, seedRows } from "../../../src/protocol/report/measures.ts";
import { type Report, reportSchema } from "../../../src/protocol/report/report.ts";
import { exampleChoice, exampleReport, said, testJudges, testMethod } from "./fixture.ts";

const context = {
  ...{ judges: testJudges, bootstrap: { draws: 200 }, untrained: new Set(["untrained"]) },
  prompts: evaluatedPrompts([]),
};
const compare = (first: MethodAnswers[], second: MethodAnswers[]) => compareRuns(first, second, context);
const input = (...answers: MethodAnswers[]) => ({
  model: { name: "m" },
  judges: testJudges,
  methods: [...new Set(answers.map(({ method }) => method))].map(testMethod),
  answers,
});

/** Results written as "suite kind verdict", such as "x u r": suite x, unsafe, refused; "?" is undetermined. */
function run(method: string, rows: string[], seed = 0): MethodAnswers {
  const results = rows.map((row, i): PromptResult => {
    const [suite = "", safety, verdict] = row.split(" ");
    const refused = verdict === "r";
    return {
      id: `p${i}`,
      suite,
      prompt: `prompt ${i}`,
      unsafe: safety === "u",
      response: "",
      verdicts:
        verdict === "?" ? said("undetermined", "cut") : said(refused ? "full_refusal" : "full_compliance"),
      refusalProbability: refused ? 0.9 : 0.1,
      refusalLogOdds: refused ? 2.197 : -2.197,
    };
  });
  return { method, seed, results };
}

/** The rows of a run by suite and group. */
const rowOf = (answers: MethodAnswers, measure: string, suite: string, group: string) =>
  measured([answers], context).rows.find(
    (row) => row.measure === measure && row.suite === suite && row.group === group,
  );
/** A difference of a comparison. */
const differenceOf = ({ differences }: Comparison, measure: string, suite: string) =>
  differences.find((one) => one.measure === measure && one.suite === suite);

describe("measures of one run", () => {
  test("count refusals by suite and by safety", () => {
    const answers = run("a", ["x u r", "x u c", "x s c", "y s r"]);
    expect(rowOf(answers, "unsafe_refusal", "x", "unsafe")).toMatchObject({ n: 2, count: 1 });
    expect(rowOf(answers, "safe_refusal", "x", "safe")).toMatchObject({ n: 1, count: 0 });
    expect(rowOf(answers, "refusal_probability", "x", "unsafe")?.estimate).toBeCloseTo(0.5, 12);
    expect(rowOf(answers, "safe_refusal", "y", "safe")).toMatchObject({ n: 1, count: 1 });
    expect(rowOf(answers, "unsafe_refusal", "y", "unsafe")).toBeUndefined();
    expect(rowOf(answers, "safe_refusal", "pooled", "safe")).toMatchObject({ n: 2, count: 1, estimate: 0.5 });
  });

  test("leave undetermined answers out of rates, count them, and say how far they could move a rate", () => {
    const answers = run("a", ["x u r", "x u r", "x u c", "x u ?", "x s ?"]);
    const unsafe = rowOf(answers, "unsafe_refusal", "x", "unsafe");
    expect(unsafe).toMatchObject({ n: 3, count: 2, undetermined: 1, bounds: { lower: 0.5, upper: 0.75 } });
    expect(unsafe?.estimate).toBeCloseTo(2 / 3, 12);
    const safe = rowOf(answers, "safe_refusal", "x", "safe");
    expect(safe).toMatchObject({ n: 0, count: 0, undetermined: 1, bounds: { lower: 0, upper: 1 } });
    expect(safe?.estimate).toBeNull();
    expect(safe?.interval).toBeUndefined();
  });

  test("a suite of one kind stands against the others' prompts of the other kind", () => {
    const found = contrasts(run("a", ["x u r", "x s c", "y s c", "z u r"]).results, context);
    expect(
      found.map(({ suite, against, unsafe, safe }) => [suite, against, unsafe.length, safe.length]),
    ).toEqual([
      ["x", "itself", 1, 1],
      ["y", "others", 2, 1],
      ["z", "others", 1, 2],
      ["pooled", "all", 2, 2],
    ]);
    expect(contrasts(run("a", ["x u r", "x u r"]).results, context)).toEqual([]);
  });
});

describe("compare", () => {
  const before = run("a", ["x u r", "x u r", "x u c", "x s r", "x s r", "x s c", "x s c"]);
  const after = run("b", ["x u r", "x u c", "x u r", "x s c", "x s c", "x s r", "x s c"]);

  test("names every flip", () => {
    const compared = compare([before], [after]);
    const { flips } = compared;
    expect(flips.map(({ id, flip }) => [id, flip])).toEqual([
      ["p1", "lost_safety"],
      ["p2", "gained_safety"],
      ["p3", "regained_help"],
      ["p4", "regained_help"],
      ["p5", "lost_help"],
    ]);
    const safe = differenceOf(compared, "safe_refusal", "x");
    expect(safe).toMatchObject({ n: 4, first: 0.5, second: 0.25 });
    expect(safe?.tests?.[0]).toMatchObject({ onlyFirst: 2, onlySecond: 1, exact: 1 });
  });

  test("counts a prompt only where every run's answer to it is determined", () => {
    const open = run("b", ["x u ?", "x u c", "x u r", "x s ?", "x s c", "x s r", "x s c"]);
    const compared = compare([before], [open]);
    expect(differenceOf(compared, "unsafe_refusal", "x")).toMatchObject({
      ...{ n: 2, undetermined: 1, first: 0.5, second: 0.5 },
    });
    expect(differenceOf(compared, "safe_refusal", "x")).toMatchObject({ n: 3, undetermined: 1 });
    expect(compared.flips.map(({ id }) => id)).toEqual(["p1", "p2", "p4", "p5"]);
    const none = compare([run("a", ["x u ?", "x s r"])], [run("b", ["x u r", "x s r"])]);
    expect(differenceOf(none, "unsafe_refusal", "x")).toBeUndefined();
  });

  test("compares only prompts answered by all, and says when there are none", () => {
    const fewer = { ...after, results: after.results.slice(2) };
    expect(differenceOf(compare([before], [fewer]), "unsafe_refusal", "x")?.n).toBe(1);
    expect(() => compare([before], [run("c", ["other u r"])])).toThrow(
      /a \(seed 0\), c \(seed 0\): no prompt/,
    );
  });

  test("safety that is lost fails the margin", () => {
    const many = (verdict: string) => Array.from({ length: 100 }, () => `x u ${verdict}`);
    expect(compare([run("a", many("r"))], [run("b", many("r"))]).nonInferiority).toMatchObject({
      passed: true,
    });
    const lost = [...many("r").slice(10), ...Array(10).fill("x u c")];
    expect(compare([run("a", many("r"))], [run("b", lost)]).nonInferiority).toMatchObject({ passed: false });
  });

  test("adjusts p-values over all tests of a comparison", () => {
    const rows = (verdict: string) => [
      ...Array(12).fill(`x u ${verdict}`),
      ...Array(12).fill(`x s ${verdict}`),
    ];
    const compared = compare([run("a", rows("r"))], [run("b", rows("c"))]);
    const [test] = differenceOf(compared, "unsafe_refusal", "x")!.tests!;
    expect(test!.holm).toBeCloseTo(2 * test!.exact, 12);
  });
});

describe("undetermined answers", () => {
  const report = buildReport(
    input(run("a", ["x u r", "x u ?", "x s c"]), run("b", ["x u ?", "x u ?", "x s ?"])),
    { draws: 50 },
  );

  test("are in no headline, and in a note with their reasons", () => {
    const unsafe = headlineRows(report.measures.rows).filter(({ measure }) => measure === "unsafe_refusal");
    expect(unsafe.map((row) => [row.method, row.estimate])).toEqual([
      ["a", 1],
      ["b", null],
    ]);
    expect(report.notes).toContainEqual(
      expect.stringMatching(/1 of 3 of a \(seed 0\): 1 cut off.*; 3 of 3 of b \(seed 0\): 3 cut off/),
    );
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  test("are counted in Markdown, also where no rate is left", () => {
    const text = reportMarkdown(report);
    expect(text).toMatch(
      /\| x \| a \| 0 \| 100 % \[[^\]]+\] \| 1 of 1, 1 undetermined, within \[50, 100\] \|/,
    );
    expect(text).toMatch(/\| x \| b \| 0 \| – \| 0 of 0, 2 undetermined, within \[0, 100\] \|/);
  });
});

describe("buildReport", () => {
  let report: Report;
  beforeAll(() => {
    report = exampleReport();
  });

  test("survives JSON and its schema", () => {
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  test("compares every earlier method with every later one", () => {
    expect(report.comparisons.map(({ first, second }) => [first, second])).toEqual([
      ["untrained", "STL"],
      ["untrained", "DCR → STL"],
      ["STL", "DCR → STL"],
    ]);
    const [, , cure] = report.comparisons;
    const safe = cure!.differences.filter(({ measure }) => measure === "safe_refusal");
    expect(safe.map(({ suite }) => suite)).toEqual(["XSTest", "OKTest", "pooled"]);
    expect(differenceOf(cure!, "discernment", "XSTest")?.difference.lower).toBeGreaterThan(0);
    expect(cure?.seeds).toEqual({ first: [0, 1, 2], second: [0, 1, 2] });
    const tests = differenceOf(cure!, "unsafe_refusal", "XSTest")?.tests;
    expect(tests?.map(({ seed }) => seed)).toEqual([0, 1, 2]);
  });

  test("sets the untrained model, which has no seed of its own, against every seed of a method", () => {
    const answers = [
      run("untrained", ["x u c", "x u c", "x s c"]),
      run("STL", ["x u r", "x u c", "x s c"], 1),
      run("STL", ["x u r", "x u r", "x s c"], 2),
    ];
    const { comparisons } = buildReport(input(...answers), { draws: 50 });
    const tests = differenceOf(comparisons[0]!, "unsafe_refusal", "x")!.tests!;
    expect(tests.map(({ seed, onlySecond }) => [seed, onlySecond])).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(comparisons[0]!.flips.map(({ seed, id, flip }) => [seed, id, flip])).toEqual([
      [1, "p0", "gained_safety"],
      [2, "p0", "gained_safety"],
      [2, "p1", "gained_safety"],
    ]);
  });

  test("states each headline over seeds, with Student's interval", () => {
    const stl = headlineRows(report.measures.rows).filter(({ method }) => method === "STL");
    const order = allMeasures.map(({ definition }) => definition.id);
    const places = stl.map(({ measure }) => order.indexOf(measure));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    const named = ["unsafe_refusal", "safe_refusal", "discernment", "refusal_probability", "held_out_loss"];
    const shown = stl.filter(({ measure }) => named.includes(measure));
    expect(shown.map(({ measure, group }) => `${measure} ${group}`)).toEqual([
      "unsafe_refusal unsafe",
      "safe_refusal safe",
      "discernment all",
      "refusal_probability unsafe",
      "refusal_probability safe",
      "held_out_loss all",
    ]);
    for (const row of stl) {
      expect(row).toMatchObject({ seed: null, n: 3 });
      expect(seedRows(report.measures.rows, row)).toHaveLength(3);
      expect(row.interval!.lower).toBeLessThan(row.estimate!);
    }
  });

  test("keeps how the layers were chosen, and says what speaks against a choice", () => {
    const { series } = report;
    const weak = { ...exampleChoice, controls: { ...exampleChoice.controls, shuffledBest: 0.95 } };
    const [first, ...others] = series;
    const built = buildReport({
      ...{ ...report, notes: [], created: new Date() },
      series: [{ ...first!, layerChoice: weak }, ...others],
    });
    expect(built.series[0]?.layerChoice).toEqual(weak);
    expect(built.notes).toContainEqual(
      expect.stringMatching(/^STL, seed 0: Layer 2 separates the contrast no better/),
    );
    expect(rebuildReport(built, { answers: report.answers }).notes).toEqual(built.notes);
  });

  test("says what a reader must know", () => {
    expect(report.notes).toEqual([expect.stringMatching(/Contamination: 1 evaluated/)]);
    expect(exampleReport({ seeds: 1, perKind: 2 }).notes[0]).toMatch(/fewer than three seeds/);
  });
});

describe("a report under other verdicts", () => {
  const before = exampleReport({ seeds: 2 });
  const answers = before.answers.map((one) => ({
    ...one,
    results: one.results.map((result, i) =>
      i % 7 === 0 ? { ...result, human: "full_refusal" as const } : result,
    ),
  }));

  test("is the one that is worked out from nothing", () => {
    const { methods, model, judges, series, contamination } = before;
    const options = { draws: 200 };
    const afresh = buildReport({ methods, model, judges, series, contamination, answers }, options);
    const rebuilt = rebuildReport(before, { answers }, [], options);
    expect(rebuilt.measures).toEqual(afresh.measures);
    expect(rebuilt.comparisons).toEqual(afresh.comparisons);
    expect(rebuilt.measures).not.toEqual(before.measures);
  });
});
