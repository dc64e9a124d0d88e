import { expect, test } from "vitest";
import { hasStopped, stoppingOf } from "../../../src/extension/runs/stopping.ts";

const training = {
  label: "dcr",
  state: "running",
  step: 34,
  totalSteps: 140,
  stepSeconds: 2.6,
  last: { step: 30, toxic: 0.62, seeminglyToxic: 0.18, general: 0 },
} as const;

test("a stop says what happens and when, from the pace of the steps", () => {
  expect(stoppingOf(training, false)).toEqual({
    keepBest: false,
    short: "stopping by step 35",
    long: "Stopping by step 35, about 3 s. The checkpoint is written then; Resume continues from there.",
  });
  const { stepSeconds: _, ...untimed } = training;
  expect(stoppingOf(untimed, false).long).toMatch(/^Stopping by step 35\. The checkpoint/);
  expect(stoppingOf({ ...training, stepSeconds: 0.2 }, false).long).toContain("about 1 s");
});

test("keeping the best state says that evaluation follows", () => {
  expect(stoppingOf(training, true)).toMatchObject({
    short: "keeping best by step 35",
    long: "Ending the stage by step 35, about 3 s. Its best state is kept and evaluated; later stages are skipped.",
  });
});

test("where no step is under way the current batch is the last one, and nothing is claimed of a checkpoint", () => {
  const activity = { verb: "evaluating", object: "xstest", done: 3, total: 40 };
  const long = "Stopping after the current batch. What was computed is kept; Resume continues from there.";
  expect(stoppingOf({ ...training, activity }, false).long).toBe(long);
  expect(stoppingOf({ ...training, step: 0, last: null }, false).long).toBe(long);
  expect(stoppingOf({ ...training, step: 140 }, false).long).toBe(long);
  expect(stoppingOf({ ...training, state: "starting" }, false).long).toMatch(/^Stopping before training\./);
});

test("an engine that does not say how it stops makes no promise", () => {
  expect(stoppingOf(training, null).long).toBe("Stopping by step 35, about 3 s.");
});

test("a comparison says which of its runs stops when", () => {
  const cells = { names: ["stl-0", "dcr-0"], finished: [], running: ["stl-0"], failed: [] };
  const whole = { ...training, label: "mine", step: 0, totalSteps: 2, last: null, cells };
  expect(stoppingOf(whole, false, [{ ...training, label: "stl-0" }])).toMatchObject({
    short: "stopping by step 35",
    long: "Stopping stl-0 by step 35, about 3 s. Checkpoints are written then; Resume continues with all runs that are left.",
  });
  const two = [training, { ...training, label: "dcr-0" }];
  expect(stoppingOf(whole, false, two).long).toMatch(/^Stopping 2 runs after the current batch\./);
  expect(stoppingOf(whole, false).long).toMatch(
    /^Stopping after the current batch\. What was computed is kept/,
  );
});

test("a kept best state has been reached where the plan ends with its step", () => {
  expect(hasStopped(training, true)).toBe(false);
  expect(hasStopped({ ...training, step: 35, totalSteps: 35 }, true)).toBe(true);
  expect(hasStopped({ ...training, step: 35, totalSteps: 35 }, false)).toBe(false);
  expect(hasStopped({ ...training, state: "stopped" }, false)).toBe(true);
});
