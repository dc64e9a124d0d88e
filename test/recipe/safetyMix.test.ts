import { describe, expect, test } from "vitest";
import { stageSchema } from "../../src/protocol/recipeStages.ts";
import { mixFault } from "../../src/recipe/safetyMix.ts";
import { stageSteps } from "../../src/recipe/stageSteps.ts";

const stage = { batchSize: 8, accumulate: 1, safetyRatio: 0.25 };

describe("an epoch", () => {
  test.each([
    // 6 general pairs a batch: as when shares were rounded.
    [stage, 280, 47],
    [{ ...stage, epochs: 2 }, 60, 20],
    [{ ...stage, accumulate: 2 }, 60, 5],
    // 7.6 general pairs a batch, not 8.
    [{ ...stage, safetyRatio: 0.05 }, 76, 10],
    [{ ...stage, safetyRatio: 0.05 }, 77, 11],
    [{ ...stage, steps: 5 }, 1000, 5],
    [stage, 1, 1],
  ])("of %j over %d general pairs takes %d steps", (mixed, general, steps) => {
    const epochs = "steps" in mixed ? {} : { epochs: 1 };
    expect(stageSteps(stageSchema.parse({ type: "supervised", ...epochs, ...mixed }), general)).toBe(steps);
  });
});

test("a share that a stage is too short for is a fault, whichever group gets nothing", () => {
  const few = { ...stage, safetyRatio: 0.01 };
  expect(mixFault(few, 6)).toMatch(/no safety pair among the 48 pairs/);
  expect(mixFault(few, 7)).toBeNull();
  expect(mixFault({ ...few, accumulate: 2 }, 4)).toBeNull();
  expect(mixFault({ ...stage, safetyRatio: 0.99 }, 3)).toMatch(/no general pair/);
  expect(mixFault({ ...stage, safetyRatio: 0 }, 1)).toBeNull();
  expect(mixFault({ ...stage, safetyRatio: 1 }, 1)).toBeNull();
});
