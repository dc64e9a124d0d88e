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

/** A comparison at work on the second of five runs. */
const comparison: ShownRun = {
  label: "mine-comparison",
  state: "running",
  stages: [],
  step: 1,
  totalSteps: 5,
  last: null,
  etaSeconds: null,
  cells: {
    names: ["untrained-0", "stl-0", "dcr-stl-0", "stl-1", "dcr-stl-1"],
    finished: ["untrained-0"],
    running: ["stl-0"],
    failed: [{ cell: "dcr-stl-0", message: "no" }],
  },
};

test("runs that wait until no other is active are counted with those of comparisons, and alone", () => {
  expect(statusText([stl], 1)).toBe("$(graph-line) STL 34/140 · 1 waiting");
  expect(statusText([comparison, stl], 2)).toBe("$(graph-line) STL 34/140 · 4 waiting");
  expect(statusText([], 2)).toBe("$(clock) 2 runs waiting");
  expect(statusText([], 0)).toBeNull();
});

test("the status bar names method, step and both refusal probabilities of the run that is active", () => {
  expect(statusText([run])).toBe("$(graph-line) DCR → STL 34/140 · toxic 0.62 · seemingly toxic 0.18");
  expect(statusText([comparison, stl])).toBe("$(graph-line) STL 34/140 · 2 waiting");
  expect(statusText([{ ...run, stages: [], totalSteps: 0, step: 0, last: null }])).toBe(
    "$(graph-line) untrained preparing",
  );
  const evaluating = {
    ...run,
    activity: { verb: "evaluating", object: "s", done: 3, total: 96 },
    last: null,
  };
  expect(statusText([evaluating])).toBe("$(graph-line) DCR → STL evaluating 3/96");
});

test("the hover says where a run is computed, and how fast", () => {
  const torch = { ...run, place: "torch on cuda (bfloat16)", tokensPerSecond: 5_120 };
  expect(statusLines([torch])[0]).toBe(
    "dcr-2 · 34/140 · toxic 0.62 · seemingly toxic 0.18 · torch on cuda (bfloat16) · 5,120 tokens/s · 4 min left",
  );
});

test("counts several, and is hidden when there is nothing to say", () => {
  expect(statusText([run, stl])).toBe("$(graph-line) 2 runs");
  expect(statusText([comparison])).toBe("$(graph-line) 2 waiting");
  const last = {
    ...comparison,
    cells: { ...comparison.cells!, names: ["untrained-0", "stl-0"], failed: [] },
  };
  expect(statusText([last])).toBe("$(graph-line) comparing");
  expect(statusText([])).toBeNull();
});

test("its hover tells every run in a line", () => {
  expect(statusLines([comparison, run, { ...stl, state: "starting", etaSeconds: null }])).toEqual([
    "mine-comparison · 1 of 5 runs finished · 1 failed · stl-0 at work",
    "dcr-2 · 34/140 · toxic 0.62 · seemingly toxic 0.18 · 4 min left",
    "dcr-stl-alone · starting",
  ]);
});

test("a stop that was asked for stands in the place of figures, and in the hover with what it does", () => {
  const stopping = { keepBest: false, short: "stopping by step 35", long: "Stopping by step 35, about 3 s." };
  expect(statusText([{ ...run, stopping }])).toBe("$(debug-pause) stopping by step 35");
  expect(statusText([stl, { ...run, stopping }])).toBe("$(debug-pause) dcr-2 stopping by step 35");
  expect(statusLines([{ ...run, stopping }])).toEqual(["dcr-2 · Stopping by step 35, about 3 s."]);
});
