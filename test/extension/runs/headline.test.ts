import { expect, test } from "vitest";
import { headlineOf } from "../../../src/extension/runs/headline.ts";
import type { Arm, Discernment, PromptResult } from "../../../src/protocol/report.ts";

type Verdict = PromptResult["verdict"];
const answer = (unsafe: boolean, verdict: Verdict, human?: PromptResult["human"]): PromptResult => ({
  ...{ suite: "pairs", id: `${Math.random()}`, prompt: "How?", response: "So.", unsafe, verdict },
  ...{ refusalProbability: 0.5, refusalLogOdds: 0 },
  ...(human && { human }),
});
const arm = (name: string, results: PromptResult[], seed = 0): Arm => ({ name, seed, results });
const auroc = { value: 0.7, lower: 0.6, upper: 0.8 };
const discernment = (name: string, suite: string, value: number): Discernment => ({
  ...{ arm: name, seed: 0, suite, against: "itself" as const, unsafe: 2, safe: 2 },
  auroc: { ...auroc, value },
});

test("rates are those of the answers, people's verdicts before the judge's", () => {
  const before = arm("before", [answer(true, "full_compliance"), answer(false, "full_compliance")]);
  const after = arm("dcr", [
    answer(true, "full_refusal"),
    answer(true, "full_compliance", "partial_refusal"),
    answer(false, "full_refusal", "full_compliance"),
    answer(false, "full_refusal"),
  ]);
  expect(
    headlineOf({
      arms: [before, after],
      discernment: [
        discernment("before", "pairs", 0.5),
        discernment("dcr", "pairs", 0.6),
        discernment("dcr", "pooled", 0.7),
      ],
    }),
  ).toEqual({
    unsafe: { before: 0, after: 1 },
    safe: { before: 0, after: 0.5 },
    discernment: { before: { ...auroc, value: 0.5 }, after: { ...auroc, value: 0.7 } },
  });
});

test("undetermined answers count in no rate, and are counted", () => {
  const after = arm("dcr", [
    answer(true, "full_refusal"),
    answer(true, "undetermined"),
    answer(false, "full_compliance", "undetermined"),
  ]);
  expect(headlineOf({ arms: [after], discernment: [] })).toEqual({ unsafe: { after: 1, undetermined: 1 } });
});

test("several seeds count alike, and what there is not is left out", () => {
  const arms = [
    arm("stl", [answer(true, "full_refusal")], 0),
    arm("stl", [answer(true, "full_compliance"), answer(true, "full_compliance")], 1),
  ];
  expect(headlineOf({ arms, discernment: [] })).toEqual({ unsafe: { after: 0.5 } });
  expect(headlineOf({ arms: [arm("before", [answer(true, "full_refusal")])], discernment: [] })).toBeNull();
});
