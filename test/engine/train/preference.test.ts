import { describe, expect, it } from "vitest";
import type { Backend, Example, ExampleLoss } from "../../../src/engine/backend/backend.ts";
import { preferenceLoss, type ReferencedPair } from "../../../src/engine/probe/preferenceLoss.ts";
import { PreferenceObjective } from "../../../src/engine/train/preference.ts";

describe("the loss of a pair", () => {
  // ℓ_π = (−12, −15), ℓ_ref = (−13, −14), β = 0.1 (METHODS2 §A2).
  const delta = -12 - -13 - (-15 - -14);

  it("is that of DPO, with its derivative by the preferred answer's log-probability", () => {
    const { loss, slope } = preferenceLoss(delta, { beta: 0.1, labelSmoothing: 0 });
    expect(loss).toBeCloseTo(0.598139, 6);
    expect(slope).toBeCloseTo(-0.045017, 6);
  });

  it("is smoothed by the chance that the preference is wrong", () => {
    expect(preferenceLoss(delta, { beta: 0.1, labelSmoothing: 0.1 }).loss).toBeCloseTo(0.618139, 6);
  });

  it.each([
    [0.1, 0],
    [0.5, 0.1],
    [2, 0.3],
  ])("has the slope of central differences at β %d, ε %d, and no overflow", (beta, labelSmoothing) => {
    const options = { beta, labelSmoothing };
    for (const at of [-30, -2, 0, 0.7, 25]) {
      const h = 1e-4;
      const difference = preferenceLoss(at + h, options).loss - preferenceLoss(at - h, options).loss;
      expect(preferenceLoss(at, options).slope).toBeCloseTo(difference / (2 * h), 6);
    }
    for (const far of [-1e5, 1e5]) expect(Number.isFinite(preferenceLoss(far, options).loss)).toBe(true);
  });
});

const example = (first: number): Example => ({ ids: [1, 2, first, first], promptLength: 2 });
const pair = (n: number): ReferencedPair => ({
  chosen: example(n),
  rejected: example(100 + n),
  reference: { chosen: -2, rejected: -3 },
});
const helpful = [1, 2, 3, 4, 5].map(pair);
const safety = [11, 12, 13].map(pair);
const options = { seed: 1, batchSize: 4, accumulate: 2, safetyRatio: 0.25, beta: 0.1, labelSmoothing: 0 };
/** Gives every answer the loss that its last token says. */
const backend = {
  losses: async (examples: readonly Example[]): Promise<ExampleLoss[]> =>
    examples.map(({ ids }) => ({ loss: ids.at(-1)! / 10, tokens: 2 })),
} as unknown as Backend;

const drawn = (objective: PreferenceObjective, step: number) =>
  objective.batches(step).map(({ examples }) => examples.map(({ ids }) => ids[2]!));

describe("a preference batch", () => {
  it("holds both answers of each pair, toxic pairs at their share", () => {
    const objective = new PreferenceObjective(backend, { helpful, safety }, options);
    const seen = new Set<number>();
    for (let step = 0; step < 4; step++) {
      const [preferred, rejected, more, others] = drawn(objective, step);
      expect(rejected).toEqual(preferred!.map((n) => 100 + n));
      expect(others).toEqual(more!.map((n) => 100 + n));
      for (const batch of [preferred!, more!]) expect(batch.filter((n) => n > 10)).toHaveLength(1);
      for (const n of preferred!) seen.add(n);
    }
    expect(seen.size).toBe(8);
  });

  it("is of one group where the other has no pair", () => {
    const one = new PreferenceObjective(backend, { helpful, safety: [] }, options);
    expect(drawn(one, 0)[0]!.every((n) => n < 10)).toBe(true);
    const other = new PreferenceObjective(backend, { helpful: [], safety }, options);
    expect(drawn(other, 0)[0]!.every((n) => n > 10)).toBe(true);
  });

  it("is a pure function of seed and step", () => {
    const make = (seed: number) =>
      new PreferenceObjective(backend, { helpful, safety }, { ...options, seed });
    const run = (objective: PreferenceObjective) => [3, 0, 7].map((step) => drawn(objective, step));
    expect(run(make(1))).toEqual(run(make(1)));
    expect(run(make(2))).not.toEqual(run(make(1)));
  });

  it("weighs answers by the derivatives of the mean loss over all micro-batches of the step", async () => {
    const objective = new PreferenceObjective(backend, { helpful, safety }, options);
    const { passes, loss, metrics } = await objective.weigh(2);
    const pairs = drawn(objective, 2);
    const deltas = [...pairs[0]!, ...pairs[2]!].map((n) => -n / 10 + 2 - (-(100 + n) / 10 + 3));
    const each = deltas.map((delta) => preferenceLoss(delta, options));
    expect(loss).toBeCloseTo(each.reduce((sum, one) => sum + one.loss, 0) / 8, 12);
    expect(metrics.margin).toBeCloseTo((0.1 * deltas.reduce((sum, delta) => sum + delta, 0)) / 8, 12);
    const weights = passes.map((pass) => (pass.kind === "answers" ? pass.weights! : []));
    const slopes = [...weights[1]!, ...weights[3]!];
    for (const [i, { slope }] of each.entries()) expect(slopes[i]).toBeCloseTo(slope / 8, 12);
    expect([...weights[0]!, ...weights[2]!]).toEqual(slopes.map((slope) => -slope));
  });
});
