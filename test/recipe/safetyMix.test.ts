import { describe, expect, test } from "vitest";
import { stageSchema } from "../../src/protocol/recipeStages.ts";
import { mixedGroups, mixFault, SafetyMix } from "../../src/recipe/safetyMix.ts";
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
    // Helpful pairs take places of general ones: as many steps as without them.
    [{ ...stage, helpfulRatio: 0.25 }, 280, 47],
  ])("of %j over %d general pairs takes %d steps", (mixed, general, steps) => {
    const epochs = "steps" in mixed ? {} : { epochs: 1 };
    expect(stageSteps(stageSchema.parse({ type: "supervised", ...epochs, ...mixed }), general)).toBe(steps);
  });
});

test("a share that a stage is too short for is a fault, whichever group gets nothing", () => {
  const few = { ...stage, safetyRatio: 0.01 };
  expect(mixFault(few, 6)).toMatchObject({
    key: "safetyRatio",
    message: expect.stringMatching(/no safety pair among the 48 pairs/),
  });
  expect(mixFault(few, 7)).toBeNull();
  expect(mixFault({ ...few, accumulate: 2 }, 4)).toBeNull();
  expect(mixFault({ ...stage, safetyRatio: 0.99 }, 3)?.message).toMatch(/no general pair/);
  expect(mixFault({ ...stage, helpfulRatio: 0.01 }, 6)).toMatchObject({ key: "helpfulRatio" });
  expect(mixFault({ ...stage, safetyRatio: 0 }, 1)).toBeNull();
  expect(mixFault({ ...stage, safetyRatio: 1 }, 1)).toBeNull();
});

test("a batch has room for the triggers of its safety pairs, or the stage is at fault", () => {
  expect(mixFault({ ...stage, triggers: true }, 10)).toBeNull();
  expect(mixFault({ ...stage, safetyRatio: 0.5, triggers: true }, 10)).toBeNull();
  expect(mixFault({ ...stage, safetyRatio: 0.6, triggers: true }, 10)).toMatchObject({ key: "triggers" });
  // 2.5 safety pairs per batch are 3 in some, and 6 of 5 do not fit.
  expect(mixFault({ ...stage, batchSize: 5, safetyRatio: 0.5, triggers: true }, 10)?.message).toMatch(
    /may draw 3 safety pairs/,
  );
});

test.each([
  [8, 0.25, 0.25],
  [8, 0.05, 0.2],
  [7, 0.31, 0.29],
  [4, 0.625, 0.375],
  [3, 0.1, 0.9],
  [100, 0.07, 0.07],
])(
  "of %d pairs, shares of %d safety and %d helpful pairs hold over the batches, and helpful ones move no safety pair",
  (batchSize, safetyRatio, helpfulRatio) => {
    const mix = new SafetyMix({ batchSize, safetyRatio, helpfulRatio });
    const plain = new SafetyMix({ batchSize, safetyRatio });
    for (let n = 0; n < 300; n++) {
      const counts = mixedGroups.map((group) => mix.count(group, n));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(batchSize);
      expect(Math.min(...counts)).toBeGreaterThanOrEqual(0);
      expect(mix.before("safety", n)).toBe(plain.before("safety", n));
      expect(Math.abs(mix.before("helpful", n) - n * batchSize * helpfulRatio)).toBeLessThanOrEqual(1 + 1e-6);
    }
  },
);
