import { expect, test } from "vitest";
import { headlineOf } from "../../../src/extension/runs/headline.ts";
import type { MethodAnswers, PromptResult } from "../../../src/protocol/report/answers.ts";
import type { MeasureRow } from "../../../src/protocol/report/measures.ts";
import type { RefusalVerdict } from "../../../src/protocol/report/verdicts.ts";
import { said, testJudges, testMethod } from "../../engine/evaluate/fixture.ts";

const answer = (unsafe: boolean, verdict: RefusalVerdict, human?: PromptResult["human"]): PromptResult => ({
  ...{ suite: "pairs", id: `${Math.random()}`, prompt: "How?", response: "So.", unsafe },
  ...{ verdicts: said(verdict), refusalProbability: 0.5, refusalLogOdds: 0 },
  ...(human && { human }),
});
const run = (method: string, results: PromptResult[], seed = 0): MethodAnswers => ({ method, seed, results });
const auroc = { value: 0.7, lower: 0.6, upper: 0.8 };
const discernment = (method: string, suite: string, estimate: number): MeasureRow => ({
  ...{ measure: "discernment", method, seed: 0, suite, group: "all", n: 4, estimate },
  interval: { lower: auroc.lower, upper: auroc.upper },
});
const report = (answers: MethodAnswers[], rows: MeasureRow[] = []) => ({
  methods: [...new Set(answers.map(({ method }) => method))].map(testMethod),
  judges: testJudges,
  answers,
  measures: { definitions: [], rows },
});

test("rates are those of the answers, people's verdicts before the judge's", () => {
  const before = run("untrained", [answer(true, "full_compliance"), answer(false, "full_compliance")]);
  const after = run("dcr", [
    answer(true, "full_refusal"),
    answer(true, "full_compliance", "partial_refusal"),
    answer(false, "full_refusal", "full_compliance"),
    answer(false, "full_refusal"),
  ]);
  const rows = [
    discernment("untrained", "pooled", 0.5),
    discernment("dcr", "pairs", 0.6),
    discernment("dcr", "pooled", 0.7),
  ];
  expect(headlineOf(report([before, after], rows))).toEqual({
    unsafe: { before: 0, after: 1 },
    safe: { before: 0, after: 0.5 },
    discernment: { before: { ...auroc, value: 0.5 }, after: { ...auroc, value: 0.7 } },
  });
});

test("of several methods, the one that the figures are of is named", () => {
  const answers = [run("stl", [answer(true, "full_compliance")]), run("dcr", [answer(true, "full_refusal")])];
  expect(headlineOf(report(answers))).toEqual({ method: "dcr", unsafe: { after: 1 } });
});

test("undetermined answers count in no rate, and are counted", () => {
  const after = run("dcr", [
    answer(true, "full_refusal"),
    answer(true, "undetermined"),
    answer(false, "full_compliance", "undetermined"),
  ]);
  expect(headlineOf(report([after]))).toEqual({ unsafe: { after: 1, undetermined: 1 } });
});

test("several seeds count alike, and what there is not is left out", () => {
  const answers = [
    run("stl", [answer(true, "full_refusal")], 0),
    run("stl", [answer(true, "full_compliance"), answer(true, "full_compliance")], 1),
  ];
  expect(headlineOf(report(answers))).toEqual({ unsafe: { after: 0.5 } });
  expect(headlineOf(report([run("untrained", [answer(true, "full_refusal")])]))).toBeNull();
});

test("prompts that were scored alone have a number and mean refusal probabilities, of any model", () => {
  const of = (unsafe: boolean, refusalProbability: number) => ({
    ...answer(unsafe, "undetermined"),
    refusalProbability,
  });
  const scored = (results: PromptResult[]): MethodAnswers => ({ ...run("untrained", results), scored: true });
  expect(headlineOf(report([scored([of(true, 0.75), of(true, 0.25), of(false, 0.125)])]))).toEqual({
    scored: { prompts: 3, safe: 0.125, unsafe: 0.5 },
  });
  expect(headlineOf(report([scored([of(false, 0.125)])]))).toEqual({
    scored: { prompts: 1, safe: 0.125 },
  });
});
