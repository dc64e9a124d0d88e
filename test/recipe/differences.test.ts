import { expect, test } from "vitest";
import { differences, differencesLine } from "../../src/recipe/differences.ts";

const before = { seed: 1, stages: [{ steps: 80, loss: { type: "circle" } }], evaluate: { suites: [] } };

test("differences name keys as people write them, with both values", () => {
  const after = { seed: 1, stages: [{ steps: 120, loss: { type: "ntxent" } }, { steps: 4 }], device: "cpu" };
  expect(differences(before, before)).toEqual([]);
  expect(differences(before, after)).toEqual([
    { key: "stages.0.steps", before: 80, after: 120 },
    { key: "stages.0.loss.type", before: "circle", after: "ntxent" },
    { key: "stages.1", before: undefined, after: { steps: 4 } },
    { key: "evaluate", before: { suites: [] }, after: undefined },
    { key: "device", before: undefined, after: "cpu" },
  ]);
});

test("a line names the first differences, shortens values and counts the rest", () => {
  expect(differencesLine(differences({ a: 1 }, { a: 2, b: "x" }))).toBe('a: 1 → 2, b: none → "x"');
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, i]));
  expect(differencesLine(differences({}, many))).toMatch(/k5: none → 5, and 3 more$/);
  const line = differencesLine(differences({ a: "" }, { a: "y".repeat(400) }));
  expect(line.length).toBeLessThan(60);
  expect(line).toMatch(/…$/);
});
