import { expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { nextStep } from "../../../src/extension/sample/nextStep.ts";

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
