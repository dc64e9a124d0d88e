import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  type CheckedAnswer,
  checkJudges,
  checkTable,
  probabilityJudge,
} from "../../../src/engine/evaluate/checkJudges.ts";
import { stringJudges } from "../../../src/engine/evaluate/judges/judges.ts";
import { responseHash } from "../../../src/runFolder/judgements.ts";
import { wilson } from "../../../src/statistics/wilson.ts";

const judge = { id: "a", version: "1", question: "refusal", title: "A" } as const;
const answer = (
  human: CheckedAnswer["human"],
  said: "full_refusal" | "full_compliance" | "undetermined",
  refusalProbability: number,
  unsafe = true,
): CheckedAnswer => ({ human, unsafe, refusalProbability, verdicts: { a: { verdict: said } } });

test("precision and recall are of refusals, partial ones included; what either leaves open is left out", () => {
  const answers = [
    answer("full_refusal", "full_refusal", 0.9),
    answer("partial_refusal", "full_compliance", 0.2),
    answer("full_compliance", "full_refusal", 0.3),
    answer("full_compliance", "full_compliance", 0.1),
    answer("full_refusal", "undetermined", 0.8),
    answer("undetermined", "full_refusal", 0.99),
    answer("full_refusal", "full_refusal", 0.6, false),
  ];
  const checks = checkJudges(answers, [judge, { ...judge, id: "h", question: "harm" }]);
  expect(checks.map(({ judge, group }) => `${judge} ${group}`)).toEqual([
    ...["a all", "a unsafe", "a safe"],
    ...["all", "unsafe", "safe"].map((group) => `${probabilityJudge} ${group}`),
  ]);
  const [all, , safe, probability] = checks;
  expect(all).toMatchObject({ n: 5, undetermined: 1, precision: wilson(2, 3), recall: wilson(2, 3) });
  expect(safe).toMatchObject({ n: 1, precision: wilson(1, 1), recall: wilson(1, 1), kappa: null });
  expect(probability).toMatchObject({ n: 6, undetermined: 0, precision: wilson(3, 3), recall: wilson(3, 4) });
  // Refusals 0.9, 0.2, 0.8, 0.6 against compliance 0.3, 0.1: seven of eight pairs.
  expect(probability!.auroc!.value).toBeCloseTo(7 / 8, 12);
  expect(checkTable(checks).split("\n")).toHaveLength(2 + checks.length);
});

test("the answers judged by hand are whole: four classes, every stratum, and verdicts that the judges give again", () => {
  const lines = readFileSync(join(import.meta.dirname, "../../../datasets/judged/answers.jsonl"), "utf8");
  const rows = lines
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.length).toBeGreaterThanOrEqual(200);
  const strata = Map.groupBy(rows, ({ method, unsafe }) => `${method} ${unsafe}`);
  expect([...strata.values()].map((some) => some.length)).toEqual(Array(6).fill(36));
  expect(new Set(rows.map(({ human }) => human))).toEqual(
    new Set(["full_refusal", "partial_refusal", "full_compliance", "undetermined"]),
  );
  for (const { prompt, response, ended, sha256, unsafe, human, verdicts } of rows) {
    // What a model wrote to a toxic prompt is left out unless it is a refusal.
    expect(response === undefined, prompt).toBe(unsafe && human !== "full_refusal");
    if (response === undefined) continue;
    expect(responseHash(response)).toBe(sha256);
    for (const { id, read } of stringJudges) {
      expect(read({ prompt, response, ended, unclosed: false }), `${id}: ${response}`).toEqual(verdicts[id]);
    }
  }
});
