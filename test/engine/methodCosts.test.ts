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
