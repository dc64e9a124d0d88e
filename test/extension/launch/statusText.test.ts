import { expect, test } from "vitest";
import { type ShownRun, statusLines, statusText } from "../../../src/extension/launch/statusText.ts";

const run: ShownRun = {
  label: "dcr-2",
  state: "running",
  stages: [
    { kind: "contrastive", steps: 60 },
    { kind: "supervised", steps: 80 },
  ],
  step: 34,
  totalSteps: 140,
  last: { step: 30, toxic: 0.62, seeminglyToxic: 0.18, general: 0.01 },
  etaSeconds: 240,
};
const stl: ShownRun = {
  ...run,
  label: "dcr-stl-alone",
  stages: [{ kind: "supervised", steps: 80 }],
  last: null,
};

test("the status bar names arm, step and both refusal probabilities of the run that is active", () => {
  expect(statusText([run], 0)).toBe("$(graph-line) DCR 34/140 · toxic 0.62 · seemingly 0.18");
  expect(statusText([stl], 1)).toBe("$(graph-line) STL 34/140 · 1 waiting");
  const evaluating = { ...run, evaluating: { suite: "s", done: 3, total: 96 }, last: null };
  expect(statusText([evaluating], 0)).toBe("$(graph-line) DCR evaluating 3/96");
});

test("counts several, and is hidden when there is nothing to say", () => {
  expect(statusText([run, stl], 0)).toBe("$(graph-line) 2 runs");
  expect(statusText([], 2)).toBe("$(graph-line) 2 waiting");
  expect(statusText([], 0)).toBeNull();
});

test("its hover tells every run in a line", () => {
  expect(statusLines([run, { ...stl, state: "starting", etaSeconds: null }])).toEqual([
    "dcr-2 · 34/140 · toxic 0.62 · seemingly 0.18 · 4 min left",
    "dcr-stl-alone · starting",
  ]);
});
