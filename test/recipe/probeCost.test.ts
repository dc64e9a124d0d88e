import { describe, expect, it } from "vitest";
import { architectureFromConfig } from "../../src/engine/model/architectureFromConfig.ts";
import type { ProbeRow } from "../../src/engine/probe/definition.ts";
import { probeOf, probes } from "../../src/engine/probe/probes.ts";
import { planOf, questionOf } from "../../src/engine/run/laboratory/measure.ts";
import { type LaboratoryEntry, laboratorySchema } from "../../src/protocol/probe/laboratory.ts";
import { untrainedState } from "../../src/protocol/probe/result.ts";
import { recipeSchema } from "../../src/protocol/recipe.ts";
import { flopsPerCore } from "../../src/recipe/cost.ts";
import { panelSizes, passesSeconds, probePasses, probeSeconds } from "../../src/recipe/probeCost.ts";
import { tinyConfig } from "../engine/model/tiny.ts";

const recipe = recipeSchema.parse({ name: "r", model: "smollm2-135m", stages: [] });
const smol = {
  parameters: 134_515_008,
  architecture: { vocabSize: 49_152, hiddenSize: 576, tiedEmbeddings: true },
};
const model = smol as unknown as Parameters<typeof probeSeconds>[1];
const sizes = panelSizes(recipe, {});
const entryOf = (probe: string, options = {}): LaboratoryEntry =>
  laboratorySchema.parse([{ probe, options }])[0]!;

/** What the engine plans for forty prompts of each group and twenty openings. */
function planned({ probe, options }: LaboratoryEntry, promptTokens: number) {
  let next = 0;
  const tokens = (count: number) => Array.from({ length: count }, () => next++ % 150);
  const groups = ["toxic", "seemingly_toxic", "general"] as const;
  const prompts = groups.flatMap((group) =>
    Array.from(
      { length: 40 },
      (_, i): ProbeRow => ({
        ...{
          id: `${group} ${i}`,
          prompt: `${group} ${i}`,
          file: "prompts.csv",
          line: i,
          group,
          pair: `${i}`,
        },
        ...{ ids: tokens(promptTokens), alone: tokens(16), example: null },
      }),
    ),
  );
  const openings = Array.from({ length: 20 }, () => tokens(3));
  const rows = { prompts, training: [], openings, notices: [] };
  const asked = { options, seed: 0, states: [untrainedState], contrastLayer: 1 };
  return planOf(
    probeOf(probe),
    questionOf({ architecture: architectureFromConfig(tinyConfig("llama")) }, rows, asked),
  );
}

describe("what a probe of a recipe computes", () => {
  const measured = probes.filter(({ contract }) => contract.states !== "trail" && contract.trains !== true);
  const gradients = ["kernel", "bound"];
  it.each([
    ...measured.map(({ contract: { id } }): [string, object] => [id, {}]),
    ["kernel", { text: "raw", perGroup: 8, top: 4 }],
    ["kernel", { logits: "random", probes: 5 }],
    ["projection", { answerTokens: 20 }],
    ["calibration", { samples: 3, maxNewTokens: 10 }],
    ["bound", { perGroup: 40, top: 2 }],
  ])("is within a factor of two what the engine plans for typical prompts: %s, %j", (probe, options) => {
    const entry = entryOf(probe, options);
    // Scores and features share what all prompts begin with.
    const plan = planned(entry, gradients.includes(probe) ? 48 : 24);
    const { forward, backward, written } = probePasses(entry, sizes);
    expect(plan.forwardTokens / (forward + written)).toBeGreaterThan(1 / 2);
    expect(plan.forwardTokens / (forward + written)).toBeLessThan(2);
    if (gradients.includes(probe)) {
      expect(plan.backwardTokens / backward).toBeGreaterThan(1 / 2);
      expect(plan.backwardTokens / backward).toBeLessThan(2);
    } else expect([plan.backwardTokens, backward]).toEqual([0, 0]);
  });

  it("follows the prompts that were counted and the openings", () => {
    const refusal = entryOf("refusal");
    const usual = probePasses(refusal, sizes).forward;
    expect(probePasses(refusal, panelSizes(recipe, { panels: 60 })).forward).toBeCloseTo(usual / 2);
    expect(probePasses(refusal, { ...sizes, openingTokens: 0 }).forward).toBe(120 * 24);
  });

  it("takes about as long as npm run bench:kernel measured on two cores", () => {
    for (const [tokens, seconds] of [
      [858, 100.9],
      [2358, 252.1],
    ] as const) {
      const cost = { forwardTokens: 2 * tokens, backwardTokens: 10 * tokens };
      expect(probeSeconds(cost, model, 2 * flopsPerCore) / seconds).toBeGreaterThan(0.8);
      expect(probeSeconds(cost, model, 2 * flopsPerCore) / seconds).toBeLessThan(1.25);
    }
  });

  it("counts answers by the speed at which they are written", () => {
    const seconds = (written: number) => passesSeconds({ forward: 100, backward: 0, written }, model, 1e9);
    expect(seconds(100) / seconds(0)).toBeCloseTo(5);
  });
});
