import { expect, test } from "vitest";
import { pickDiverse } from "../../src/dataset/diverse.ts";

function picksOf(...given: Parameters<typeof pickDiverse>) {
  const work = pickDiverse(...given);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
const candidates = (...prompts: [string, number][]) =>
  prompts.map(([prompt, weight]) => ({ prompt, weight }));

test("the weightiest comes first, then what is unlike it before its copy", () => {
  const picks = picksOf(
    candidates(
      ["kill a process", 1],
      ["kill a process", 0.9],
      ["bake some bread", 0.5],
      ["kill a program", 0.9],
    ),
    [],
    3,
  );
  expect(picks.map(({ index }) => index)).toEqual([0, 3, 2]);
  expect(picks[0]!.distance).toBe(1);
  // Words kill, a of {kill, a, process, program} and two different trigrams: 2 of 6 shared.
  expect(picks[1]!.distance).toBeCloseTo(1 - 2 / 6, 12);
});

test("what is there already counts as picked, and a copy of it comes last", () => {
  const picks = picksOf(candidates(["kill a process", 1], ["bake some bread", 0.1]), ["kill a process"], 5);
  expect(picks).toEqual([
    { index: 1, distance: 1 },
    { index: 0, distance: 0 },
  ]);
});
