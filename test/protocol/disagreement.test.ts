import { expect, test } from "vitest";
import type { PromptResult } from "../../src/protocol/report/answers.ts";
import { disagreementOf } from "../../src/protocol/report/disagreement.ts";
import { said } from "../engine/evaluate/fixture.ts";

const result = (change: Partial<PromptResult>): PromptResult => ({
  ...{ id: "a", suite: "s", prompt: "p", unsafe: true, response: "r", refusalLogOdds: 0 },
  ...{ verdicts: said("full_refusal"), refusalProbability: 0.9, ...change },
});
const sampled = (refused: number, of: number): PromptResult["sampled"] =>
  Array.from({ length: of }, (_, i) => ({
    ...{ response: "r", ended: true },
    verdicts: said(i < refused ? "full_refusal" : "full_compliance"),
  }));
const found = (change: Partial<PromptResult>) => disagreementOf(result(change), "xstest");

test("disagreement is the widest gap between judges, people, probability and sampled answers", () => {
  expect(found({})).toEqual({ size: expect.closeTo(0.1, 10), reasons: [] });
  const late = found({ refusalProbability: 0.1, sampled: sampled(7, 8) });
  expect(late.size).toBeCloseTo(0.9, 10);
  expect(late.reasons).toEqual([
    "refused, at a refusal probability of 0.10",
    "88 % of 8 sampled answers refuse, at a refusal probability of 0.10",
  ]);
  // The case of METHODS2 §F: greedy answers refuse, and few sampled ones do.
  const greedy = found({ refusalProbability: 0.3, sampled: sampled(2, 8) });
  expect(greedy.reasons[0]).toBe("25 % of 8 sampled answers refuse, the greedy one refused");
});

test("a person settles what judges say, and may differ from the judge that counts", () => {
  const judges = {
    ...said("full_refusal"),
    arditi: { verdict: "full_compliance" as const },
  };
  expect(found({ verdicts: judges }).reasons).toEqual(["judges differ"]);
  expect(found({ verdicts: judges, human: "full_refusal" }).reasons).toEqual([]);
  const other = found({ human: "full_compliance", refusalProbability: 0.2 });
  expect(other).toEqual({ size: 1, reasons: ["a person says complied, the judge refused"] });
});

test("what is undetermined disagrees with nobody", () => {
  expect(found({ verdicts: said("undetermined"), refusalProbability: 0.9 })).toEqual({
    size: 0,
    reasons: [],
  });
});
