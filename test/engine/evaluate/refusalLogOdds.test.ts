import { mean } from "simple-statistics";
import { expect, test } from "vitest";
import { evaluatedPrompts } from "../../../src/engine/evaluate/evaluatedPrompts.ts";
import { refusalLogOdds } from "../../../src/engine/evaluate/measures/refusalLogOdds.ts";
import { panelMeasures } from "../../../src/engine/evaluate/measures/scored.ts";
import { exampleReport } from "./fixture.ts";

test("refusal log-odds are the mean over the prompts of a group, with an interval around it", () => {
  const { answers, judges } = exampleReport({ seeds: 1, perKind: 3 });
  const rows = refusalLogOdds.rows(answers[0]!, {
    ...{ judges, untrained: new Set<string>() },
    bootstrap: { draws: 200 },
    prompts: evaluatedPrompts(answers),
  });
  const row = rows.find(({ suite, group, category }) => suite === "XSTest" && group === "safe" && !category)!;
  const own = answers[0]!.results.filter(({ suite, unsafe }) => suite === "XSTest" && !unsafe);
  expect(row.n).toBe(own.length);
  expect(row.estimate).toBeCloseTo(mean(own.map((result) => result.refusalLogOdds)), 12);
  expect(row.interval!.lower).toBeLessThan(row.estimate!);
  expect(row.interval!.upper).toBeGreaterThan(row.estimate!);
});

test("they are measured on the monitored prompts, too", () => {
  const measured = panelMeasures([
    { probability: 0.5, logOdds: 0 },
    { probability: 0.9, logOdds: 2.2 },
  ]);
  expect(measured.find(({ measure }) => measure === "refusal_log_odds")?.estimate).toBeCloseTo(1.1, 12);
});
