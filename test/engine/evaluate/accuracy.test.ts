import { describe, expect, it } from "vitest";
import { chosen } from "../../../src/engine/evaluate/choice.ts";
import { buildReport } from "../../../src/engine/evaluate/report.ts";
import { reportMarkdown } from "../../../src/engine/report/markdown.ts";
import type { ChoiceResult, MethodAnswers } from "../../../src/protocol/report/answers.ts";
import { marginStatements } from "../../../src/protocol/report/margins.ts";
import { untrainedMethod } from "../../../src/protocol/report/methods.ts";
import { reportSchema } from "../../../src/protocol/report/report.ts";

const question = (i: number, own: Partial<ChoiceResult> = {}): ChoiceResult => ({
  ...{ id: `q${i}`, suite: "mmlu", category: i % 2 ? "anatomy" : "law", gold: 1, scored: "letter" },
  ...{ logLikelihoods: [-2, -1, -3, -4], characters: [1, 1, 1, 1], bytes: [1, 1, 1, 1] },
  ...own,
});
const wrong = { logLikelihoods: [-1, -2, -3, -4] };
const untrained = untrainedMethod();
const stl = { ...untrained, id: "STL", name: "STL", stages: [{ type: "supervised" as const, steps: 9 }] };
const answers = (method: string, choices: ChoiceResult[], seed = 0): MethodAnswers => ({
  ...{ method, seed, results: [], choices },
});
const text = (i: number, own: Partial<ChoiceResult> = {}) =>
  question(i, {
    ...{ suite: "piqa", scored: "text", logLikelihoods: [-4, -5], characters: [4, 10], bytes: [4, 3] },
    ...own,
  });

describe("the chosen answer", () => {
  it("is the most likely one, the first of equals", () => {
    expect(chosen(question(0))).toBe(1);
    expect(chosen(question(0, { logLikelihoods: [-3, -2, -2, -2] }))).toBe(1);
  });

  it("is the most likely one per character or byte where that is asked for", () => {
    const one = text(0);
    expect([chosen(one), chosen(one, "character"), chosen(one, "byte")]).toEqual([0, 1, 0]);
  });
});

describe("a report of questions alone", () => {
  const items = Array.from({ length: 20 }, (_, i) => question(i, i < 6 ? wrong : {}));
  const after = Array.from({ length: 20 }, (_, i) => question(i, i < 10 ? wrong : {}));
  const report = buildReport({
    model: { name: "tiny", device: "cpu" },
    methods: [untrained, stl],
    judges: [],
    answers: [
      answers(untrained.id, [...items, text(0, { category: undefined }), text(1, { category: undefined })]),
      answers("STL", [...after, text(0, { category: undefined }), text(1, { category: undefined })]),
    ],
  });
  const row = (method: string, suite: string, measure = "accuracy", category?: string) =>
    report.measures.rows.find(
      (one) =>
        one.measure === measure && one.method === method && one.suite === suite && one.category === category,
    );

  it("is a report, and renders", () => {
    expect(reportSchema.parse(JSON.parse(JSON.stringify(report)))).toEqual(
      JSON.parse(JSON.stringify(report)),
    );
    const markdown = reportMarkdown(report);
    expect(markdown).toContain("| mmlu | untrained | 0 | 70 % [48, 85] | 14 of 20, chance 25 % |");
  });

  it("has the share of right answers by suite and category and over all, with what guessing comes to", () => {
    expect(row(untrained.id, "mmlu")).toMatchObject({ estimate: 0.7, count: 14, n: 20, chance: 0.25 });
    expect(row(untrained.id, "mmlu")!.interval!.lower).toBeCloseTo(0.481, 3);
    expect(row("STL", "mmlu", "accuracy", "law")).toMatchObject({ count: 5, n: 10 });
    expect(row("STL", "pooled")).toMatchObject({ count: 10, n: 22 });
    expect(row("STL", "pooled")!.chance).toBeCloseTo((20 * 0.25 + 2 * 0.5) / 22, 6);
    expect(row("STL", "piqa")).toMatchObject({ count: 0, n: 2, chance: 0.5 });
  });

  it("normalises by length where texts are scored, and only there", () => {
    expect(row("STL", "piqa", "accuracy_norm")).toMatchObject({ count: 2, n: 2 });
    expect(row("STL", "piqa", "accuracy_bytes")).toMatchObject({ count: 0, n: 2 });
    expect(row("STL", "mmlu", "accuracy_norm")).toBeUndefined();
  });

  it("compares methods on the same questions, with McNemar's test", () => {
    const [{ differences }] = report.comparisons as [(typeof report.comparisons)[number]];
    const mmlu = differences.find(({ suite, measure }) => suite === "mmlu" && measure === "accuracy")!;
    expect(mmlu).toMatchObject({ first: 0.7, second: 0.5, n: 20, group: "all" });
    expect(mmlu.difference.value).toBeCloseTo(-0.2, 9);
    expect(mmlu.tests).toMatchObject([{ seed: 0, onlyFirst: 4, onlySecond: 0, exact: 0.125 }]);
    expect(differences.some(({ measure }) => measure === "accuracy_bytes")).toBe(false);
  });

  it("compares no more than what every run was asked", () => {
    const fewer = buildReport({
      model: { name: "tiny", device: "cpu" },
      methods: [untrained, stl],
      judges: [],
      answers: [answers(untrained.id, items), answers("STL", after.slice(0, 8))],
    });
    const found = fewer.comparisons[0]!.differences.find(({ measure }) => measure === "accuracy");
    expect(found).toMatchObject({ n: 8, first: 0.25, second: 0 });
  });
});

describe("capability held to its margin", () => {
  const of = (right: number, n = 200) =>
    Array.from({ length: n }, (_, i) => question(i, i < n - right ? wrong : {}));
  const dcr = { ...stl, id: "DCR", name: "DCR" };
  const statements = (untrainedRight: number | null, reference: number, other: number) => {
    const report = buildReport({
      model: { name: "tiny" },
      methods: [...(untrainedRight === null ? [] : [untrained]), stl, dcr],
      judges: [],
      answers: [
        ...(untrainedRight === null ? [] : [answers(untrained.id, of(untrainedRight))]),
        answers("STL", of(reference)),
        answers("DCR", of(other)),
      ],
      reference: "STL",
      margins: { safety: 0.03, capability: 0.05 },
    });
    const found = report.comparisons.find(({ second }) => second === "DCR")!;
    return { found: found.capability!, said: marginStatements(found, ["STL", "DCR"]) };
  };

  it("passes where the lower end of the difference lies above −margin, and fails where it does not", () => {
    const same = statements(100, 100, 100);
    expect(same.found).toEqual({ margin: 0.05, lower: 0, passed: true, aboveChance: true });
    expect(same.said).toEqual([
      {
        state: "passed",
        text: "DCR is no worse than STL in accuracy, by the margin of 5.0 points (lower bound 0.0 points).",
      },
    ]);
    expect(statements(100, 100, 80).said).toMatchObject([{ state: "failed" }]);
  });

  it("is not claimed where the untrained model is not above chance, or was not asked", () => {
    // 4 choices: 50 of 200 are chance.
    expect(statements(55, 55, 55).said).toMatchObject([
      { state: "unclaimed", text: expect.stringMatching(/is not above chance/) },
    ]);
    expect(statements(null, 100, 100).said).toMatchObject([
      { state: "unclaimed", text: expect.stringMatching(/did not answer the questions/) },
    ]);
  });
});
