import { expect, it } from "vitest";
import { BestState } from "../../../src/engine/run/best.ts";
import type { Stage } from "../../../src/engine/train/stage.ts";
import { tempFolder } from "../../tempFolder.ts";

/** A stage at a step, whose state is the number of that step. */
const at = (step: number) =>
  ({
    step,
    state: async () => ({
      step,
      tensors: new Map([["x", { shape: [1], data: Float32Array.of(step) }]]),
      history: {},
    }),
  }) as unknown as Stage;
const figures = (gap: number) =>
  ({ toxic: { mean: gap }, seeminglyToxic: { mean: 0 } }) as Parameters<BestState["offer"]>[2];

it("keeps the state with the widest gap, and never one whose gap is NaN", async () => {
  const best = await BestState.open(tempFolder(), 0, "supervised");
  await best.offer(at(1), 1, figures(Number.NaN));
  expect(await best.state()).toBeNull();
  await best.offer(at(2), 2, figures(0.5));
  await best.offer(at(3), 3, figures(0.4));
  await best.offer(at(4), 4, figures(Number.NaN));
  expect((await best.state())?.tensors.get("x")?.data[0]).toBe(2);
  await best.offer(at(5), 5, figures(0.6));
  expect((await best.state())?.tensors.get("x")?.data[0]).toBe(5);
});
