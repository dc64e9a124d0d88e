import { describe, expect, test } from "vitest";
import { allMeasures } from "../../../src/engine/evaluate/measures/measures.ts";
import { buildReport } from "../../../src/engine/evaluate/report.ts";
import { reportMarkdown } from "../../../src/engine/report/markdown.ts";
import type { MethodAnswers, PromptResult } from "../../../src/protocol/report/answers.ts";
import { judgedOtherwise } from "../../../src/protocol/report/coreMeasures.ts";
import { type JudgeInfo, judgesDisagree, people } from "../../../src/protocol/report/verdicts.ts";
import { agreement } from "../../../src/statistics/kappa.ts";
import { testMethod } from "./fixture.ts";

const judge = (id: string, question: JudgeInfo["question"] = "refusal"): JudgeInfo => ({
  ...{ id, question, version: "1", title: `Judge ${id}` },
});
const result = (
  i: number,
  verdicts: PromptResult["verdicts"],
  change: Partial<PromptResult> = {},
): PromptResult => ({
  ...{
    id: `p${i}`,
    suite: "s",
    prompt: `Prompt ${i}`,
    unsafe: true,
    response: `Answer ${i}`,
    ended: true,
    verdicts,
  },
  ...{ refusalProbability: 0.5, refusalLogOdds: 0, ...change },
});
const said = (refused: boolean | null) => ({
  verdict:
    refused === null
      ? ("undetermined" as const)
      : refused
        ? ("full_refusal" as const)
        : ("full_compliance" as const),
});

function reportOf(judges: JudgeInfo[], answers: Record<string, PromptResult[]>) {
  return buildReport(
    {
      model: { name: "m" },
      methods: Object.keys(answers).map(testMethod),
      judges,
      answers: Object.entries(answers).map(
        ([method, results]): MethodAnswers => ({ method, seed: 0, results }),
      ),
    },
    { draws: 300 },
  );
}

describe("agreement", () => {
  // The first judge refuses every other answer, the second differs on every fifth, the third on every second of those.
  const of = (i: number) => [
    i % 2 === 0,
    (i % 2 === 0) !== (i % 5 === 0),
    i % 10 === 3 ? null : (i % 2 === 0) !== (i % 10 === 0),
  ];
  const results = Array.from({ length: 40 }, (_, i) => {
    const [a, b, c] = of(i);
    return result(
      i,
      { a: said(a!), b: said(b!), c: said(c!) },
      i < 10 ? { human: "full_refusal" } : i < 20 ? { human: "full_compliance" } : {},
    );
  });
  const report = reportOf([judge("a"), judge("b"), judge("c")], { untrained: results });
  const rows = report.measures.rows.filter(({ measure }) => measure === "judge_agreement");

  test("is that of every two judges, and of each with people, with intervals", () => {
    expect(rows.map(({ other, judge }) => [other, judge])).toEqual([
      ["a", "b"],
      ["a", "c"],
      ["b", "c"],
      ["a", people],
      ["b", people],
      ["c", people],
    ]);
    const [ab, ac, , aPeople] = rows;
    expect(ab!.estimate).toBeCloseTo(agreement(results.map((_, i) => [of(i)[0]!, of(i)[1]!])).kappa!, 12);
    expect(ab!.interval!.lower).toBeLessThan(ab!.estimate!);
    expect(ab!.interval!.upper).toBeGreaterThan(ab!.estimate!);
    expect([ac!.n, ac!.undetermined]).toEqual([36, 4]);
    expect(aPeople!.n).toBe(20);
  });

  test("of all judges is one number over answers that two of them determine", () => {
    const [alpha] = report.measures.rows.filter(({ measure }) => measure === "judge_alpha");
    expect(alpha).toMatchObject({ suite: "pooled", group: "all", n: 40 });
    expect(alpha!.estimate).toBeGreaterThan(0);
    expect(alpha!.interval!.lower).toBeLessThan(alpha!.estimate!);
  });

  test("is nothing of one judge alone", () => {
    const alone = reportOf([judge("a")], { untrained: [result(0, { a: said(true) })] });
    expect(alone.measures.definitions.map(({ id }) => id)).not.toContain("judge_alpha");
    expect(alone.measures.definitions.map(({ id }) => id)).not.toContain("judge_agreement");
  });
});

describe("a difference that hangs on the judge", () => {
  const results = (a: (i: number) => boolean, b: (i: number) => boolean) =>
    Array.from({ length: 60 }, (_, i) => result(i, { a: said(a(i)), b: said(b(i)) }));

  test("is said, and stands beside the first judge's without a test of its own", () => {
    const report = reportOf([judge("a"), { ...judge("b"), title: "Judge b et al." }], {
      untrained: results(
        () => false,
        (i) => i % 2 === 0,
      ),
      tuned: results(
        (i) => i % 2 === 0,
        (i) => i % 2 === 1,
      ),
    });
    const [{ differences, otherJudges }] = report.comparisons as [(typeof report.comparisons)[0]];
    expect(differences.find(({ measure }) => measure === "unsafe_refusal")).toMatchObject({
      judge: "a",
      first: 0,
      second: 0.5,
    });
    expect(
      otherJudges!.map(({ measure, judge, first, second, tests, holm }) => ({
        measure,
        judge,
        first,
        second,
        tests,
        holm,
      })),
    ).toEqual([
      { measure: "unsafe_refusal", judge: "b", first: 0.5, second: 0.5, tests: undefined, holm: undefined },
    ]);
    expect(reportMarkdown(report)).toMatch(/\| Refusal rate of unsafe prompts, Judge b et al\. \| 50/);
    expect(report.notes.join("\n")).toMatch(
      /hang on the judge: Refusal rate of unsafe prompts, tuned minus untrained: \+50\.0 points .* by Judge a, 0\.0 points .* by Judge b et al\.$/m,
    );
  });

  test("is not said where all judges see it", () => {
    const report = reportOf([judge("a"), judge("b")], {
      untrained: results(
        () => false,
        () => false,
      ),
      tuned: results(
        (i) => i % 2 === 0,
        (i) => i % 3 === 0,
      ),
    });
    expect(report.comparisons[0]!.otherJudges).toHaveLength(1);
    expect(report.notes.join("\n")).not.toMatch(/hang on the judge/);
  });
});

test("judges disagree where two determine an answer differently and nobody has read it", () => {
  const disagree = (verdicts: PromptResult["verdicts"], human?: "full_refusal") =>
    judgesDisagree({ verdicts, human });
  expect(disagree({ a: said(true), b: said(false) })).toBe(true);
  expect(disagree({ a: { verdict: "partial_refusal" }, b: said(true) })).toBe(false);
  expect(disagree({ a: said(true), b: said(null) })).toBe(false);
  expect(disagree({ a: said(true), h: { verdict: "harmless" } })).toBe(false);
  expect(disagree({ h: { verdict: "harmful" }, i: { verdict: "harmless" } })).toBe(true);
  expect(disagree({ a: said(true), b: said(false) }, "full_refusal")).toBe(false);
});

describe("win rates", () => {
  const pair = (i: number, verdict: "win" | "tie" | "loss" | null, response: string) =>
    result(
      i,
      {
        p: verdict
          ? { verdict, score: { win: 1, tie: 0.5, loss: 0 }[verdict], against: "reference" }
          : { verdict: "undetermined", reason: "parse" },
      },
      { suite: "pairs", unsafe: false, reference: "one two three", response },
    );
  const judges = [judge("a"), judge("p", "preference")];
  const first = [
    pair(0, "loss", "one"),
    pair(1, "loss", "one two"),
    pair(2, "tie", "one"),
    pair(3, null, "one"),
  ];
  const second = [
    pair(0, "win", "one"),
    pair(1, "tie", "one two"),
    pair(2, "tie", "one"),
    pair(3, "win", "one"),
  ];
  const other = result(9, { a: said(true) }, { suite: "s" });
  const report = reportOf(judges, { untrained: [...first, other], tuned: [...second, other] });
  const rowOf = (measure: string, method: string, suite = "pairs") =>
    report.measures.rows.find(
      (row) => row.measure === measure && row.method === method && row.suite === suite,
    );

  test("count a tie half, leave open what the judge leaves open, and state what that may come to", () => {
    expect(rowOf("win_rate", "untrained")).toMatchObject({
      ...{ judge: "p", group: "all", n: 3, undetermined: 1 },
      estimate: 0.5 / 3,
      bounds: { lower: 0.125, upper: 0.375 },
    });
    expect(rowOf("win_rate", "tuned")).toMatchObject({ n: 4, estimate: 0.75 });
    expect(rowOf("length_difference", "tuned")!.estimate).toBe(-1.75);
  });

  test("are compared on instructions that both determine, and no refusal is read from such answers", () => {
    const [{ differences }] = report.comparisons as [(typeof report.comparisons)[0]];
    const [won] = differences.filter(({ measure }) => measure === "win_rate");
    expect(won).toMatchObject({ suite: "pairs", n: 3, undetermined: 1, first: 0.5 / 3, second: 2 / 3 });
    expect(
      report.measures.rows.filter(({ measure, suite }) => measure === "safe_refusal" && suite === "pairs"),
    ).toEqual([]);
    expect(rowOf("unsafe_refusal", "tuned", "s")).toMatchObject({ n: 1, count: 1 });
  });
});

test("gates know what judges of each measure are asked", () => {
  const otherwise = allMeasures.flatMap(({ definition, question }) =>
    question === undefined || question === "refusal" ? [] : [[definition.id, question]],
  );
  expect(judgedOtherwise).toEqual(Object.fromEntries(otherwise));
});
