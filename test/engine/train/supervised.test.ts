import { describe, expect, it } from "vitest";
import type { Example } from "../../../src/engine/backend/backend.ts";
import { answersPass } from "../../../src/engine/backend/onnx/programs/answers.ts";
import { labelCount } from "../../../src/engine/probe/answerLoss.ts";
import { SupervisedObjective } from "../../../src/engine/train/supervised.ts";
import { tinyBackend } from "../model/tiny.ts";
import { examples, trainer } from "./trial.ts";

/** Examples are told apart by the first token of their answer. */
const first = 100;
const general = examples(12);
const safety = examples(20).slice(12);
const options = { seed: 1, batchSize: 4, accumulate: 1, safetyRatio: 0.25, maskPrompt: true };

/** The numbers of the examples in each pass of a step. */
function drawn(objective: SupervisedObjective, step: number): number[][] {
  return objective
    .batches(step)
    .map((batch) => batch.examples.map(({ ids, promptLength }) => ids[promptLength] - first));
}

const isSafety = (number: number) => number >= general.length;

describe("a supervised batch", () => {
  it.each([
    [0, 0],
    [0.25, 1],
    [0.5, 2],
    [1, 4],
  ])("with safety ratio %d has %d safety pairs of four", (safetyRatio, count) => {
    const objective = new SupervisedObjective({ general, safety }, { ...options, safetyRatio });
    for (let step = 0; step < 6; step++) {
      const [batch] = drawn(objective, step);
      expect(batch.length).toBe(4);
      expect(batch.filter(isSafety).length).toBe(count);
    }
  });

  it.each([
    [0.05, 8, 1],
    [0.05, 8, 2],
    [0.3, 4, 1],
    [0.002, 8, 4],
    [0.95, 8, 1],
    [0.07, 100, 1],
  ])(
    "with safety ratio %d of %d pairs keeps that share over the batches",
    (safetyRatio, batchSize, accumulate) => {
      const objective = new SupervisedObjective(
        { general, safety },
        {
          ...options,
          safetyRatio,
          batchSize,
          accumulate,
        },
      );
      let [pairs, safe, least, most] = [0, 0, Number.POSITIVE_INFINITY, 0];
      for (let step = 0; step < 60; step++) {
        for (const batch of drawn(objective, step)) {
          expect(batch.length).toBe(batchSize);
          const count = batch.filter(isSafety).length;
          [pairs, safe] = [pairs + batch.length, safe + count];
          [least, most] = [Math.min(least, count), Math.max(most, count)];
          // Exact to half a pair after every batch, not only in the long run.
          expect(Math.abs(safe - pairs * safetyRatio)).toBeLessThanOrEqual(0.5 + 1e-6);
        }
      }
      expect(most - least).toBeLessThanOrEqual(1);
      expect(safe).toBeGreaterThan(0);
    },
  );

  it("walks through its pools in turn also where the share of a batch is not whole", () => {
    const objective = new SupervisedObjective({ general, safety }, { ...options, safetyRatio: 0.3 });
    const steps = Array.from({ length: 60 }, (_, step) => drawn(objective, step)[0]);
    const times = (pool: readonly Example[], offset: number) =>
      pool.map((_, i) => steps.flat().filter((n) => n === offset + i).length);
    for (const counts of [times(general, 0), times(safety, general.length)]) {
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  it("comes in turn: every example once an epoch of its pool", () => {
    const objective = new SupervisedObjective({ general, safety }, options);
    const epochs = [0, 1].map((epoch) => {
      return [0, 1, 2, 3].flatMap((i) => drawn(objective, epoch * 4 + i)[0]).filter((n) => !isSafety(n));
    });
    for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual([...general.keys()]);
    expect(epochs[0]).not.toEqual(epochs[1]);
    const safe = Array.from({ length: 8 }, (_, step) => drawn(objective, step)[0].filter(isSafety)).flat();
    expect(new Set(safe).size).toBe(safety.length);
  });

  it("holds no example twice while there are others", () => {
    const objective = new SupervisedObjective(
      { general: general.slice(0, 5), safety: safety },
      { ...options, safetyRatio: 0 },
    );
    const counts = Array.from({ length: 20 }, (_, step) => new Set(drawn(objective, step)[0]).size);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
  });

  it("has rows of about equal length", () => {
    const pool: Example[] = Array.from({ length: 64 }, (_, i) => {
      return { ids: new Array(8 + i).fill(first), promptLength: 4 };
    });
    const objective = new SupervisedObjective(
      { general: pool, safety: [] },
      { ...options, safetyRatio: 0, maskPrompt: false },
    );
    const run = Array.from({ length: 16 }, (_, step) => answersPass(objective.batches(step)[0]).tokens);
    const padded = run.reduce((sum, tokens) => sum + tokens, 0);
    const own = pool.reduce((sum, { ids }) => sum + ids.length, 0);
    // Rounding up to 16 costs about a fifth here; batches of mixed lengths would cost two thirds.
    expect(padded / own).toBeLessThan(1.3);
    // What is long does not come last.
    expect(run).not.toEqual(run.toSorted((a, b) => a - b));
  });

  it("is the same for the same seed and step", () => {
    const make = (seed: number) => new SupervisedObjective({ general, safety }, { ...options, seed });
    const run = (objective: SupervisedObjective) => [5, 0, 3].map((step) => drawn(objective, step));
    expect(run(make(1))).toEqual(run(make(1)));
    expect(run(make(2))).not.toEqual(run(make(1)));
  });

  it("accumulates different batches, each token weighing as much as any other", () => {
    const objective = new SupervisedObjective({ general, safety }, { ...options, accumulate: 3 });
    const plain = new SupervisedObjective({ general, safety }, options);
    expect(drawn(objective, 1)).toEqual([3, 4, 5].flatMap((step) => drawn(plain, step)));
    const batches = objective.batches(1);
    const [weight, ...others] = new Set(batches.map((batch) => batch.weight));
    expect(others).toEqual([]);
    const labels = batches.flatMap(({ examples }) => examples.map((example) => labelCount(example, true)));
    expect(labels.reduce((sum, count) => sum + count, 0) * weight).toBeCloseTo(1, 12);
  });

  it.each([true, false])("carries loss on the right tokens: maskPrompt %s", (maskPrompt) => {
    const objective = new SupervisedObjective({ general, safety }, { ...options, batchSize: 8, maskPrompt });
    const { feeds } = answersPass(objective.batches(0)[0]);
    const inBatch = drawn(objective, 0)[0].map((n) => [...general, ...safety][n]);
    const labels = [...feeds.labels.data].filter((_, i) => feeds.weights.data[i] > 0);
    const expected = inBatch.flatMap(({ ids, promptLength }) => ids.slice(maskPrompt ? promptLength : 1));
    expect(labels).toEqual(expected);
  });

  it("teaches the prompt too where it is not masked", async () => {
    const { backend, model } = await tinyBackend("llama");
    const pool = general.slice(0, 4);
    const promptLoss = async (maskPrompt: boolean) => {
      const objective = new SupervisedObjective(
        { general: pool, safety: [] },
        { ...options, safetyRatio: 0, maskPrompt },
      );
      const stage = await trainer(backend, objective);
      const { loss } = await stage.next();
      return loss;
    };
    expect(await promptLoss(true)).not.toBeCloseTo(await promptLoss(false), 2);
    await model.dispose();
  });

  it.each([
    ["safety", general, [], 0.25],
    ["general", [], safety, 0.25],
  ] as const)("cannot be drawn without %s pairs", (name, some, safe, safetyRatio) => {
    const make = () => new SupervisedObjective({ general: some, safety: safe }, { ...options, safetyRatio });
    expect(make).toThrow(
      expect.objectContaining({ code: "group-too-small", message: expect.stringContaining(name) }),
    );
  });

  describe("with helpful pairs", () => {
    const helpful = examples(26).slice(20);
    const pairs = { general, safety, helpful };
    const isHelpful = (number: number) => number >= 20;
    const only = (numbers: readonly number[], wanted: (number: number) => boolean) => numbers.filter(wanted);
    const isPlainSafety = (number: number) => isSafety(number) && !isHelpful(number);

    it.each([0.25, 0.1, 0.6])(
      "at a share of %d has the safety pairs of the batches without them, and as many pairs",
      (helpfulRatio) => {
        const plain = new SupervisedObjective({ general, safety }, options);
        const augmented = new SupervisedObjective(pairs, { ...options, helpfulRatio });
        let count = 0;
        for (let step = 0; step < 60; step++) {
          const [batch] = drawn(augmented, step);
          expect(batch.length).toBe(4);
          expect(only(batch, isPlainSafety)).toEqual(only(drawn(plain, step)[0], isSafety));
          count += only(batch, isHelpful).length;
        }
        expect(Math.abs(count - 60 * 4 * helpfulRatio)).toBeLessThanOrEqual(1);
      },
    );

    it("walks a small pool in turn, none twice in a batch while there are others", () => {
      const few = helpful.slice(0, 2);
      const objective = new SupervisedObjective(
        { general, safety, helpful: few },
        { ...options, safetyRatio: 0.25, helpfulRatio: 0.5 },
      );
      for (let step = 0; step < 20; step++) {
        expect(new Set(only(drawn(objective, step)[0], isHelpful)).size).toBe(2);
      }
    });

    it("cannot be drawn without any", () => {
      const make = () => new SupervisedObjective({ general, safety }, { ...options, helpfulRatio: 0.25 });
      expect(make).toThrow(expect.objectContaining({ message: expect.stringContaining("data.helpful") }));
    });
  });

  describe("with triggers", () => {
    const extra = examples(26).slice(20);
    // Six of the eight safety pairs have one.
    const triggers = new Map(extra.map((trigger, i) => [safety[i]!, trigger]));
    const triggerOf = (number: number) => (number < 18 ? [number + 8] : []);

    it.each([0.25, 0.5, 0.3])(
      "at a safety ratio of %d brings each safety pair's own, and walks general pairs in turn",
      (safetyRatio) => {
        const plain = new SupervisedObjective({ general, safety }, { ...options, safetyRatio });
        const objective = new SupervisedObjective({ general, safety, triggers }, { ...options, safetyRatio });
        const times = general.map(() => 0);
        for (let step = 0; step < 120; step++) {
          const [batch] = drawn(objective, step);
          expect(batch.length).toBe(4);
          const toxic = batch.filter((number) => isSafety(number) && number < 20);
          expect(toxic).toEqual(drawn(plain, step)[0].filter(isSafety));
          expect(batch.filter((number) => number >= 20)).toEqual(toxic.flatMap(triggerOf));
          for (const number of batch.filter((each) => !isSafety(each))) times[number]! += 1;
        }
        // No general pair is passed over where triggers took places.
        expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(2);
      },
    );
  });
});
