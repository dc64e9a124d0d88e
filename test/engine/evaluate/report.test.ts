import { beforeAll, describe, expect, test } from "vitest";
import { compare } from "../../../src/engine/evaluate/compare.ts";
import { buildReport, rebuildReport } from "../../../src/engine/evaluate/report.ts";
import { contrasts, summariseSuites } from "../../../src/engine/evaluate/summary.ts";
import { reportMarkdown } from "../../../src/engine/report/markdown.ts";
import { type Arm, type PromptResult, type Report, reportSchema } from "../../../src/protocol/report.ts";
import { exampleChoice, exampleReport } from "./fixture.ts";

/** Results written as "suite kind verdict", such as "x u r": suite x, unsafe, refused; "?" is undetermined. */
function arm(name: string, rows: string[], seed = 0): Arm {
  const results = rows.map((row, i): PromptResult => {
    const [suite = "", safety, verdict] = row.split(" ");
    const refused = verdict === "r";
    return {
      id: `p${i}`,
      suite,
      prompt: `prompt ${i}`,
      unsafe: safety === "u",
      response: "",
      verdict: refused ? "full_refusal" : verdict === "?" ? "undetermined" : "full_compliance",
      ...(verdict === "?" && { undetermined: "cut" as const }),
      refusalProbability: refused ? 0.9 : 0.1,
      refusalLogOdds: refused ? 2.197 : -2.197,
    };
  });
  return { name, seed, results };
}

describe("summaries", () => {
  test("counts refusals by suite and by safety", () => {
    const [x, y] = summariseSuites(arm("a", ["x u r", "x u c", "x s c", "y s r"]));
    expect(x).toMatchObject({ suite: "x", unsafe: { n: 2, refused: 1 }, safe: { n: 1, refused: 0 } });
    expect(x?.unsafe?.meanProbability).toBeCloseTo(0.5, 12);
    expect(y).toMatchObject({ suite: "y", safe: { n: 1, refused: 1 } });
    expect(y?.unsafe).toBeUndefined();
  });

  test("leaves undetermined answers out of rates, counts them, and says how far they could move a rate", () => {
    const [x] = summariseSuites(arm("a", ["x u r", "x u r", "x u c", "x u ?", "x s ?"]));
    expect(x?.unsafe).toMatchObject({
      n: 4,
      refused: 2,
      undetermined: 1,
      bounds: { lower: 0.5, upper: 0.75 },
    });
    expect(x?.unsafe?.rate?.value).toBeCloseTo(2 / 3, 12);
    expect(x?.safe).toEqual({
      n: 1,
      refused: 0,
      undetermined: 1,
      bounds: { lower: 0, upper: 1 },
      meanProbability: 0.1,
    });
  });

  test("a suite of one kind stands against the others' prompts of the other kind", () => {
    const found = contrasts(arm("a", ["x u r", "x s c", "y s c", "z u r"]).results);
    expect(
      found.map(({ suite, against, unsafe, safe }) => [suite, against, unsafe.length, safe.length]),
    ).toEqual([
      ["x", "itself", 1, 1],
      ["y", "others", 2, 1],
      ["z", "others", 1, 2],
      ["pooled", "all", 2, 2],
    ]);
    expect(contrasts(arm("a", ["x u r", "x u r"]).results)).toEqual([]);
  });
});

describe("compare", () => {
  const before = arm("a", ["x u r", "x u r", "x u c", "x s r", "x s r", "x s c", "x s c"]);
  const after = arm("b", ["x u r", "x u c", "x u r", "x s c", "x s c", "x s r", "x s c"]);

  test("names every flip", () => {
    const { flips, suites } = compare([before], [after]);
    expect(flips.map(({ id, flip }) => [id, flip])).toEqual([
      ["p1", "lost_safety"],
      ["p2", "gained_safety"],
      ["p3", "regained_help"],
      ["p4", "regained_help"],
      ["p5", "lost_help"],
    ]);
    expect(suites[0]?.safe).toMatchObject({ prompts: 4, before: 0.5, after: 0.25 });
    expect(suites[0]?.safe?.tests[0]).toMatchObject({ onlyBefore: 2, onlyAfter: 1, exact: 1 });
  });

  test("counts a prompt only where every run's answer to it is determined", () => {
    const open = arm("b", ["x u ?", "x u c", "x u r", "x s ?", "x s c", "x s r", "x s c"]);
    const { suites, flips } = compare([before], [open]);
    expect(suites[0]?.unsafe).toMatchObject({ prompts: 2, undetermined: 1, before: 0.5, after: 0.5 });
    expect(suites[0]?.safe).toMatchObject({ prompts: 3, undetermined: 1 });
    expect(flips.map(({ id }) => id)).toEqual(["p1", "p2", "p4", "p5"]);
    const none = compare([arm("a", ["x u ?", "x s r"])], [arm("b", ["x u r", "x s r"])]);
    expect(none.suites[0]?.unsafe).toBeUndefined();
  });

  test("compares only prompts answered by all, and says when there are none", () => {
    const fewer = { ...after, results: after.results.slice(2) };
    expect(compare([before], [fewer]).suites[0]?.unsafe?.prompts).toBe(1);
    expect(() => compare([before], [arm("c", ["other u r"])])).toThrow(
      /a \(seed 0\), c \(seed 0\): no prompt/,
    );
  });

  test("safety that is lost fails the margin", () => {
    const many = (verdict: string) => Array.from({ length: 100 }, () => `x u ${verdict}`);
    expect(compare([arm("a", many("r"))], [arm("b", many("r"))]).nonInferiority).toMatchObject({
      passed: true,
    });
    const lost = [...many("r").slice(10), ...Array(10).fill("x u c")];
    expect(compare([arm("a", many("r"))], [arm("b", lost)]).nonInferiority).toMatchObject({ passed: false });
  });

  test("adjusts p-values over all tests of a comparison", () => {
    const rows = (verdict: string) => [
      ...Array(12).fill(`x u ${verdict}`),
      ...Array(12).fill(`x s ${verdict}`),
    ];
    const { suites } = compare([arm("a", rows("r"))], [arm("b", rows("c"))]);
    const [test] = suites[0]!.unsafe!.tests;
    expect(test!.holm).toBeCloseTo(2 * test!.exact, 12);
  });
});

describe("undetermined answers", () => {
  const arms = [arm("a", ["x u r", "x u ?", "x s c"]), arm("b", ["x u ?", "x u ?", "x s ?"])];
  const report = buildReport({ model: { name: "m" }, arms }, { draws: 50 });

  test("are in no headline, and in a note with their reasons", () => {
    const unsafe = report.overSeeds.filter(({ measure }) => measure === "unsafe_refusal");
    expect(unsafe.map((one) => [one.arm, one.mean])).toEqual([["a", 1]]);
    expect(report.notes).toContainEqual(
      expect.stringMatching(/1 of 3 of a \(seed 0\): 1 cut off.*; 3 of 3 of b \(seed 0\): 3 cut off/),
    );
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  test("are counted in Markdown, also where no rate is left", () => {
    const text = reportMarkdown(report);
    expect(text).toMatch(
      /\| x \| a \| 0 \| 1\/1: 1\.000 \[[^\]]+\]; 1 undetermined, within 0\.500 to 1\.000 \|/,
    );
    expect(text).toMatch(/\| x \| b \| 0 \| –; 2 undetermined, within 0\.000 to 1\.000 \|/);
  });

  test("are absent from reports of older versions, which are read as they were", () => {
    const old = JSON.parse(
      JSON.stringify(buildReport({ model: { name: "m" }, arms: [arm("a", ["x u r", "x s c"])] })),
    );
    for (const { unsafe, safe } of old.suites) for (const group of [unsafe, safe]) delete group.undetermined;
    expect(reportSchema.parse(old).suites[0]!.unsafe).toMatchObject({ n: 1, refused: 1, undetermined: 0 });
  });
});

test("contamination of older reports, which held pairs alone, is counted by suite when it is read", () => {
  const report = buildReport({ model: { name: "m" }, arms: [arm("a", ["x u r", "x s c", "y s c"])] });
  const [first, second, other] = report.arms[0]!.results.map(({ prompt }) => prompt);
  const pair = (evaluation: string, training: string, similarity: number) => ({
    evaluation,
    training,
    similarity,
  });
  const contamination = [
    pair(first!, "near", 0.6),
    pair(first!, first!, 1),
    pair(other!, "close", 0.8),
    pair("asked by no arm", "close", 0.9),
  ];
  expect(second).not.toBe(first);
  expect(reportSchema.parse({ ...report, contamination }).contamination).toEqual([
    { arm: "a", suite: "x", prompts: 2, contaminated: 1, sameWords: 1, closest: [pair(first!, first!, 1)] },
    {
      arm: "a",
      suite: "y",
      prompts: 1,
      contaminated: 1,
      sameWords: 0,
      closest: [pair(other!, "close", 0.8)],
    },
  ]);
});

describe("buildReport", () => {
  let report: Report;
  beforeAll(() => {
    report = exampleReport();
  });

  test("survives JSON and its schema", () => {
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
  });

  test("compares every earlier arm with every later one", () => {
    expect(report.comparisons.map(({ before, after }) => [before, after])).toEqual([
      ["before", "STL"],
      ["before", "DCR → STL"],
      ["STL", "DCR → STL"],
    ]);
    const [, , cure] = report.comparisons;
    expect(cure?.suites.map(({ suite }) => suite)).toEqual(["XSTest", "OKTest", "pooled"]);
    expect(cure?.suites[0]?.discernment?.lower).toBeGreaterThan(0);
    expect(cure?.seeds).toEqual({ before: [0, 1, 2], after: [0, 1, 2] });
    expect(cure?.suites[0]?.unsafe?.tests.map(({ seed }) => seed)).toEqual([0, 1, 2]);
  });

  test("states each headline over seeds, with Student's interval", () => {
    const stl = report.overSeeds.filter(({ arm }) => arm === "STL");
    expect(stl.map(({ measure }) => measure)).toEqual([
      "unsafe_refusal",
      "safe_refusal",
      "discernment",
      "general_loss",
    ]);
    for (const { values, mean, interval } of stl) {
      expect(values).toHaveLength(3);
      expect(interval!.lower).toBeLessThan(mean);
    }
  });

  test("keeps how the layers were chosen, and says what speaks against a choice", () => {
    const { arms, model, series } = report;
    const weak = { ...exampleChoice, controls: { ...exampleChoice.controls, shuffledBest: 0.95 } };
    const [first, ...others] = series;
    const built = buildReport({ arms, model, series: [{ ...first!, layerChoice: weak }, ...others] });
    expect(built.series[0]?.layerChoice).toEqual(weak);
    expect(built.notes).toContainEqual(
      expect.stringMatching(/^STL, seed 0: Layer 2 separates the contrast no better/),
    );
    expect(rebuildReport(built, arms).notes).toEqual(built.notes);
  });

  test("says what a reader must know", () => {
    expect(report.notes).toEqual([expect.stringMatching(/Contamination: 1 evaluated/)]);
    expect(exampleReport({ seeds: 1, perKind: 2 }).notes[0]).toMatch(/fewer than three seeds/);
  });
});
