import { expect, test } from "vitest";
import { RunProgress } from "../../../src/extension/runs/progress.ts";
import { eventsOf, probe, resumed, stage, started, step, steps } from "./events.ts";

type Fields = Parameters<typeof eventsOf>[0];

function after(fields: Fields): RunProgress {
  const progress = new RunProgress();
  for (const event of eventsOf(fields)) progress.take(event);
  return progress;
}

const suite = (arm: string, done: number, total: number) =>
  ({ type: "evaluation-progress", arm, suite: "test", done, total }) as const;

test("a stage that learns its steps only when it begins makes the total known then", () => {
  expect(after([started(["contrastive", null], ["supervised", 80])]).totalSteps).toBeNull();
  const begun = [started(["contrastive", null], ["supervised", 80]), stage(0, "contrastive", 60)];
  expect(after(begun)).toMatchObject({ totalSteps: 140, stage: "contrastive" });
});

test("a stage that ends early takes its left-over steps off the total", () => {
  const progress = after([
    started(["contrastive", 60], ["supervised", 80]),
    stage(0, "contrastive", 60),
    ...steps(1, 30),
    { type: "stage-finished", stage: 0, step: 30, reason: "separation" },
  ]);
  expect(progress).toMatchObject({ totalSteps: 110, step: 30 });
});

test("a stage kept at its best state goes back to it, and is the last", () => {
  const progress = after([
    started(["contrastive", 60], ["supervised", 80]),
    stage(0, "contrastive", 60),
    ...steps(1, 20),
    probe(20, 0.9, 0.1),
    ...steps(21, 40),
    probe(40, 0.9, 0.8),
    { type: "stage-finished", stage: 0, step: 20, reason: "kept-best" },
  ]);
  expect(progress).toMatchObject({ totalSteps: 20, step: 20, last: { step: 20, seeminglyToxic: 0.1 } });
});

test("the time left is the steps left at the pace of the last ones", () => {
  const running = [started(["supervised", 100]), stage(0, "supervised", 100)];
  expect(after([...running, step(1)]).etaSeconds).toBeNull();
  // One event a second: each step took one second, or with a probe behind every one two.
  expect(after([...running, ...steps(1, 40)]).etaSeconds).toBe(60);
  const probed = steps(1, 40).flatMap((each, i) => [each, probe(i + 1, 0.5, 0.5)]);
  expect(after([...running, ...probed]).etaSeconds).toBe(120);
});

test("what is done besides steps is told until the next event", () => {
  const made = { type: "making-progress", what: "helpful", done: 3, total: 12 } as const;
  const judged = { type: "judging-progress", judge: "xstest", done: 40, total: 96 } as const;
  const begun = [started(["supervised", 80]), made];
  expect(after(begun).activity).toEqual({ verb: "making", object: "helpful answers", done: 3, total: 12 });
  const warned = [...begun, { type: "warning", message: "A prompt was left out." } as const];
  expect(after(warned).activity).toMatchObject({ verb: "making" });
  expect(after([...begun, judged]).activity).toEqual({
    ...{ verb: "judging", object: "answers by xstest" },
    ...{ done: 40, total: 96 },
  });
  expect(after([...begun, stage(0, "supervised", 80)]).activity).toBeNull();
});

test("the rest between a stop and a resume is no part of the pace", () => {
  const progress = new RunProgress();
  const first = [started(["supervised", 100]), stage(0, "supervised", 100), ...steps(1, 10)];
  for (const event of eventsOf(first)) progress.take(event);
  for (const event of eventsOf([resumed(10), stage(0, "supervised", 100), ...steps(11, 20)], 10_000)) {
    progress.take(event);
  }
  expect(progress).toMatchObject({ etaSeconds: 80, place: { device: "webgpu" } });
});

test("the evaluation at the end is counted at the pace of the one at the start", () => {
  // Ten answers an event, so a tenth of a second each.
  const before = [1, 2, 3, 4].map((n) => suite("before", 10 * n, 40));
  const trained = [stage(0, "supervised", 20), ...steps(1, 10)];
  const progress = after([started(["supervised", 20]), ...before, ...trained]);
  expect(progress.etaSeconds).toBeCloseTo(10 + 4);
  const evaluating = after([
    started(["supervised", 10]),
    ...before,
    ...trained.slice(0, 1),
    ...steps(1, 10),
    { type: "stage-finished", stage: 0, step: 10, reason: "steps" },
    suite("dcr", 10, 40),
    suite("dcr", 20, 40),
  ]);
  expect(evaluating.etaSeconds).toBeCloseTo(2);
  expect(evaluating.activity).toEqual({ verb: "evaluating", object: "test", done: 20, total: 40 });
});

test("a probe without numbers is no point", () => {
  const blind = { ...probe(10, 0, 0), toxic: { mean: null, perPrompt: [null] } };
  const progress = after([started(["supervised", 20]), probe(0, 0.5, 0.4), ...steps(1, 10), blind]);
  expect(progress.last).toMatchObject({ step: 0, toxic: 0.5 });
});

test("what it holds does not grow with steps", () => {
  const held = (n: number) =>
    JSON.stringify(after([started(["supervised", 20_000]), ...steps(1, n)])).replace(/\d/g, "").length;
  expect(held(10_000)).toBe(held(1000));
});
