import { expect, test } from "vitest";
import { type PlannedRun, planLine, planMarkdown } from "../../../src/extension/benchmark/planned.ts";
import { cellsOf } from "../../../src/recipe/plannedCells.ts";

const recipe = {
  ...{ name: "r", model: "tiny", stages: [{ type: "supervised", steps: 4 }] },
  evaluate: { suites: [{ name: "own", source: { file: "own.csv" } }] },
};
const cells = cellsOf(
  {
    ...{ name: "small", recipe: {}, set: {}, seeds: [0, 1] },
    methods: [
      { name: "untrained", stages: [], set: {} },
      { name: "a | b", set: {} },
    ],
  },
  { text: JSON.stringify(recipe), file: "r" },
  [],
);
const runs = (finished: number): PlannedRun[] =>
  cells.map((cell, i) => ({
    cell,
    cost: { seconds: 60, memoryBytes: 1e9 * (i + 1), memoryOf: "memory", diskBytes: 5e6 },
    isFinished: i < finished,
  }));

test("a plan in a line says what is left, and what that costs", () => {
  expect(planLine({ name: "small", runs: runs(0), missing: [] })).toBe(
    "3 runs · ≈ 3 min one after another · 3.0 GB of memory · 15 MB on disk",
  );
  const onGpu = runs(0).map((run) => ({
    ...run,
    cost: run.cost && { ...run.cost, memoryOf: "GPU memory" as const },
  }));
  expect(planLine({ name: "small", runs: onGpu, missing: [] })).toContain(" · 3.0 GB of GPU memory · ");
  expect(planLine({ name: "small", runs: runs(2), missing: [] })).toMatch(/^1 of 3 runs left · ≈ 60 s/);
  const unknown = runs(0).map((run) => ({ ...run, cost: null }));
  expect(planLine({ name: "small", runs: unknown, missing: [] })).toBe(
    "3 runs · costs unknown: a model cannot be read",
  );
});

test("the whole plan is a table, in which names are words and no markup", () => {
  const missing = [{ suite: "gated", reason: "<b>ask</b>" }];
  const text = planMarkdown({ name: "small", runs: runs(1), missing });
  const rows = text.split("\n").filter((line) => line.startsWith("| ") && line.includes("a \\| b"));
  expect(rows).toHaveLength(2);
  expect(text).toContain("| untrained\\-0 | untrained | 0 |  | 60 s | 1.0 GB | 5 MB | finished |");
  expect(text).toContain("- **gated**: &lt;b\\>ask&lt;\\/b\\>");
  expect(text).toContain("Suites: own.");
});
