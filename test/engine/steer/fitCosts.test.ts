import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fitSteering } from "../../../src/engine/run/steering.ts";
import { modelSize, openSession, releaseModel, type Session } from "../../../src/engine/session/session.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import type { SteeringType } from "../../../src/protocol/steering.ts";
import type { ModelFacts } from "../../../src/recipe/modelFacts.ts";
import { forwardFlops, promptTokens } from "../../../src/recipe/stageCost.ts";
import { fitCost } from "../../../src/recipe/steeringCost.ts";
import { tempFolder } from "../../tempFolder.ts";
import { writeTinyModel } from "../../tinyModel.ts";

const common = { train: 6, validation: 4 };
const direction = { ...common, filter: false, refusalTokens: ["I"], maxKl: 100, position: -1 };
const layers = 3;

let root: string;
let session: Session;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "discern-"));
  const model = await writeTinyModel(join(root, "model"));
  session = await openSession({ model, root, device: "cpu", threads: 1, template: "auto" });
});
afterAll(async () => {
  await releaseModel(session);
  rmSync(root, { recursive: true });
});

/** Prompts of one length, so that passes can be counted by hand; and texts of refusals and answers. */
const texts = (word: string) =>
  Array.from({ length: 12 }, (_, i) => `${word} ${String(i).padStart(2, "0")} ?`);
const asked = (word: string) => texts(word).map((prompt) => ({ prompt, response: `${prompt} well` }));
const prompts = {
  ...{ harmful: asked("aaaa"), harmless: asked("bbbb"), pseudoHarmful: asked("cccc") },
  ...{ refusals: asked("dddd"), answers: asked("eeee") },
};

/** What a fit counted, and what is planned of it, in tokens of whole passes over prompts of this length. */
async function fitted(steering: NonNullable<RecipeInput["steering"]>) {
  const recipe = recipeSchema.parse({ name: "r", model: "model", stages: [], steering });
  let flops = 0;
  const openings = ["I'm sorry"];
  await fitSteering(session, join(tempFolder(), "steering.json"), {
    ...{ steering: recipe.steering!, seed: 0, openings, prompts },
    onFitted: (found) => {
      flops = found;
    },
  });
  const size = modelSize(session);
  const [first] = await session.encoder.prompts([prompts.harmful[0]!.prompt]);
  const planned = fitCost({ ...recipe, probes: { ...recipe.probes, openings } }, size as ModelFacts, 1e9);
  expect(planned.seconds).toBe(planned.flops / 1e9);
  return {
    length: first!.length,
    counted: flops / forwardFlops(size),
    planned: (planned.flops / forwardFlops(size)) * (first!.length / promptTokens),
  };
}

describe("a fit", () => {
  test("counts its forward passes: two means, and what one candidate does on validation prompts", async () => {
    const { counted, length } = await fitted({ type: "refusal-ablation", ...direction, layer: 1 });
    // Means are read at inputs of blocks, so their passes leave the last block out.
    const means = 2 * 6 * ((layers - 1) / layers);
    const [plain, kl, induce, bypass] = [4, 4, 4, 4];
    expect(counted).toBeCloseTo(length * (means + plain + kl + induce + bypass), 6);
  });

  test.each<[SteeringType, NonNullable<RecipeInput["steering"]>]>([
    ["refusal-ablation", { type: "refusal-ablation", ...direction, layer: 1 }],
    ["refusal-addition", { type: "refusal-addition", ...direction, layer: 1 }],
    ["surgical", { type: "surgical", ...direction }],
    ["scans", { type: "scans", ...common }],
    ["cast", { type: "cast", ...common, questions: 3, suffixes: 3, suffixTokens: 8 }],
    ["alphasteer", { type: "alphasteer", ...common }],
  ])("of %s is planned to a factor of two", async (_, steering) => {
    const { counted, planned } = await fitted(steering);
    expect(counted).toBeGreaterThan(0);
    expect(planned / counted).toBeGreaterThan(0.5);
    expect(planned / counted).toBeLessThan(2);
  });

  test("that takes what was fitted elsewhere costs nothing", () => {
    const steering = { type: "scans", fitted: "runs/other" } as const;
    const recipe = recipeSchema.parse({ name: "r", model: "model", stages: [], steering });
    expect(fitCost(recipe, modelSize(session) as ModelFacts, 1e9)).toEqual({ flops: 0, seconds: 0 });
  });
});
