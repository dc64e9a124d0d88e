import { expect, test } from "vitest";
import { type NewRunEvent, type RunEvent, runEventSchema } from "../../src/protocol/events.ts";
import { costParts } from "../../src/runFolder/costParts.ts";

/** Events that happen at seconds after each other. */
function log(events: readonly (readonly [seconds: number, event: NewRunEvent])[]): RunEvent[] {
  return events.map(([seconds, event], seq) =>
    runEventSchema.parse({
      ...event,
      seq,
      at: new Date(Date.UTC(2026, 0, 1) + 1000 * seconds).toISOString(),
    }),
  );
}

const started: NewRunEvent = {
  ...{ type: "run-started", name: "r", model: "m", device: "cpu", seed: 0 },
  ...{ hashes: {}, stages: [], totalSteps: 2 },
};
const figures = { loss: 1, learningRate: 1, gradientNorm: 1, seconds: 1 };
const step = (n: number): NewRunEvent => ({
  ...{ type: "step", stage: 0, step: n, globalStep: n, tokens: 10, ...figures },
});

test("time belongs to what a run was at; a pause between two processes counts for nothing", () => {
  const parts = costParts(
    log([
      [0, started],
      [1, { type: "stage-started", stage: 0, kind: "supervised", steps: 2, flopsPerToken: 100 }],
      [3, step(1)],
      [4, { type: "checkpoint", stage: 0, step: 1, folder: "c" }],
      // Killed, and resumed an hour later.
      [
        3604,
        { type: "resumed", stage: 0, step: 1, globalStep: 1, checkpoint: "c", skipped: [], device: "cpu" },
      ],
      [3605, { type: "stage-started", stage: 0, kind: "supervised", steps: 2, flopsPerToken: 100 }],
      [3607, step(2)],
      [3608, { type: "stage-finished", stage: 0, step: 2, reason: "steps", peakBytes: 5e9 }],
      [3609, { type: "suite-opened", method: "m", suite: "s", prompts: 4, sha256: "x" }],
      [3612, { type: "evaluation-progress", suite: "s", done: 8, total: 8 }],
      [3613, { type: "suite-answered", method: "m", suite: "s", prompts: 4, flops: 50, peakBytes: 2e9 }],
      [3615, { type: "judging-progress", judge: "j", done: 4, total: 4 }],
      [3616, { type: "run-finished", report: null }],
    ]),
  );
  expect(parts).toEqual([
    { part: "supervised", seconds: 1 + 2 + 1 + 1 + 2 + 1, flops: 2 * 10 * 100, peakBytes: 5e9 },
    { part: "other", seconds: 1 + 1, flops: null, peakBytes: null },
    { part: "evaluation", seconds: 3 + 1, flops: 50, peakBytes: 2e9 },
    { part: "judging", seconds: 2, flops: null, peakBytes: null },
  ]);
});

test("operations that a killed run did again count once, and their time as often as it passed", () => {
  const resumed: NewRunEvent = {
    ...{ type: "resumed", stage: 0, step: 1, globalStep: 1, checkpoint: "c", skipped: [], device: "cpu" },
  };
  const begun: NewRunEvent = {
    type: "stage-started",
    stage: 0,
    kind: "supervised",
    steps: 2,
    flopsPerToken: 100,
  };
  const answered: NewRunEvent = { type: "suite-answered", method: "m", suite: "s", prompts: 4, flops: 50 };
  const parts = costParts(
    log([
      [0, started],
      [1, begun],
      [2, step(1)],
      [3, step(2)],
      [9, resumed],
      [10, begun],
      [11, step(2)],
      [12, answered],
      [19, resumed],
      [20, answered],
    ]),
  );
  expect(parts).toMatchObject([
    { part: "supervised", seconds: 5, flops: 2 * 10 * 100 },
    { part: "evaluation", seconds: 2, flops: 50 },
  ]);
});

test("making data, the reference pass, the choice of a layer, probes and judging count their operations and memory", () => {
  const made: NewRunEvent = {
    ...{
      type: "data-made",
      what: "helpful",
      file: "f",
      judge: "j",
      asked: 2,
      kept: 1,
      kinds: [],
      leftOut: {},
    },
    ...{ flops: 700, peakBytes: 3e9, devicePeakBytes: 9e9 },
  };
  const panel = { mean: null, perPrompt: [] };
  const probe = (globalStep: number): NewRunEvent => ({
    ...{ type: "probe", stage: 0, step: globalStep, globalStep, generalLoss: null },
    ...{ toxic: panel, seeminglyToxic: panel, general: panel, flops: 10, peakBytes: 1e9 + globalStep },
  });
  const reference: NewRunEvent = {
    type: "reference-measured",
    stage: 2,
    pairs: 3,
    flops: 40,
    peakBytes: 2e9,
  };
  const chosen: NewRunEvent = {
    ...{ type: "layer-chosen", stage: 0, layer: 1, heldOut: "pair", groups: 1, folds: 1, curve: [] },
    controls: {
      ...{ draws: 1, shuffledBest: 0.5, surface: { auroc: 0.5, standardError: 0 }, source: null },
    },
    ...{ flops: 60, peakBytes: 4e9 },
  };
  const judging = (done: number): NewRunEvent => ({
    ...{ type: "judging-progress", judge: "j", done, total: 9, flops: 5, peakBytes: 6e9 },
  });
  const parts = costParts(
    log([
      [0, started],
      [1, { type: "making-progress", what: "helpful", done: 1, total: 2 }],
      [2, made],
      [3, { ...made, what: "triggers", flops: 100, peakBytes: 1e9 }],
      [4, chosen],
      [5, probe(0)],
      [6, probe(5)],
      // Done again after a kill.
      [7, probe(5)],
      [9, reference],
      [10, reference],
      [11, judging(4)],
      [12, judging(9)],
    ]),
  );
  expect(parts).toEqual([
    { part: "making data", seconds: 1 + 1 + 1, flops: 700 + 100, peakBytes: 3e9, devicePeakBytes: 9e9 },
    { part: "layer choice", seconds: 1, flops: 60, peakBytes: 4e9 },
    { part: "probes", seconds: 3, flops: 2 * 10, peakBytes: 1e9 + 5 },
    { part: "reference pass", seconds: 2 + 1, flops: 40, peakBytes: 2e9 },
    { part: "judging", seconds: 2, flops: 2 * 5, peakBytes: 6e9 },
  ]);
});

test("a run of an older version, whose log says neither operations nor memory, has its times alone", () => {
  const parts = costParts(
    log([
      [0, started],
      [1, { type: "stage-started", stage: 0, kind: "contrastive", steps: 1 }],
      [2, step(1)],
    ]),
  );
  expect(parts).toEqual([{ part: "contrastive", seconds: 2, flops: null, peakBytes: null }]);
});
