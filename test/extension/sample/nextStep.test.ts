import { expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { isTraining, nextStep } from "../../../src/extension/sample/nextStep.ts";

test.each([
  [[], "prompts"],
  [["model", "label"], "prompts"],
  [["prompts"], "model"],
  [["prompts", "model"], "try"],
  [["prompts", "model", "run"], "label"],
  [["prompts", "model", "label"], "run"],
  [["prompts", "model", "label", "run"], "read"],
])("after %o the walkthrough opens at %s, a step that it has", (steps, next) => {
  const done = { prompts: false, model: false, label: false, run: false };
  for (const step of steps) Object.assign(done, { [step]: true });
  expect(nextStep(done)).toBe(next);
  expect(manifest.contributes.walkthroughs[0]!.steps.map(({ id }) => id)).toContain(next);
});

test("methods are compared by an experiment or a run that trains, not by a run that scores a file", () => {
  const stage = { kind: "supervised", steps: 60 };
  const cells = { names: ["untrained-0"], finished: [], running: [], failed: [] };
  expect(isTraining({ stages: [] })).toBe(false);
  expect(isTraining({ stages: [stage] })).toBe(true);
  expect(isTraining({ stages: [], cells })).toBe(true);
});
