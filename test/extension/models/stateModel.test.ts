import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { modelOfState, stateWords } from "../../../src/extension/models/stateModel.ts";
import { untrainedState } from "../../../src/protocol/probe/result.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { prepareRunFolder, writeRun } from "../../../src/runFolder/folder.ts";
import { tempFolder } from "../../tempFolder.ts";

const at = (name: string, stage: number, step: number) => ({
  ...{ name, stage, step, globalStep: step, learningRate: null },
});

async function madeRun(train: "lora" | "full"): Promise<string> {
  const folder = join(tempFolder(), "dcr");
  await prepareRunFolder(folder);
  const recipe = recipeSchema.parse({
    ...{ name: "dcr", model: { base: "/models/tiny", adapters: ["helpful"] }, template: "alpaca" },
    stages: [
      { type: "contrastive", layer: 2, steps: 40 },
      { type: "supervised", steps: 60, train: { method: train } },
    ],
  });
  await writeRun(folder, recipe, {
    ...{ version: 1, name: "dcr", created: new Date().toISOString(), seed: 0, device: "cpu", threads: 1 },
    ...{ versions: {}, platform: "test", pid: 1, argv: [] },
    model: { name: "tiny", path: "/models/tiny", format: "safetensors", family: "llama", files: [] },
    recipe: { root: "/study" },
    data: [],
  });
  return folder;
}

describe("the model of a run at a state", () => {
  test("is the run where it is its result, and the state's folder before that, behind what the run began with", async () => {
    const folder = await madeRun("lora");
    const of = (state: Parameters<typeof modelOfState>[2]["state"], isResult = false) =>
      modelOfState(folder, "dcr-0", { state, isResult }, []);
    const began = "/study/helpful";
    expect(await of(at("stage-1", 1, 60), true)).toEqual({
      ...{ name: "dcr-0", base: "/models/tiny", adapters: [began, folder] },
      asked: { template: "alpaca", chat: expect.anything() },
    });
    expect(await of(at("stage-1-step-20", 1, 20))).toMatchObject({
      name: "dcr-0 at stage-1-step-20",
      adapters: [began, join(folder, "states", "stage-1-step-20")],
    });
    expect((await of(at("stage-0", 0, 40))).adapters).toEqual([began, join(folder, "stages", "0")]);
    expect((await of(untrainedState)).adapters).toEqual([began]);
  });

  test("is the run alone where it wrote a whole model, which holds what it began with", async () => {
    const folder = await madeRun("full");
    const result = { state: at("stage-1", 1, 60), isResult: true };
    expect((await modelOfState(folder, "dcr", result, [])).adapters).toEqual([folder]);
  });
});

test("a state says of which stage it is, and how far that had come", () => {
  const stages = [{ kind: "contrastive" }, { kind: "supervised" }];
  expect(stateWords(untrainedState, stages).description).toBe("before training");
  expect(stateWords(at("stage-0", 0, 40), stages).description).toBe(
    "end of stage 1 of 2 (contrastive), 40 steps",
  );
  expect(stateWords(at("stage-1-step-20", 1, 20), stages)).toEqual({
    label: "stage-1-step-20",
    description: "step 20 of stage 2 of 2 (supervised)",
  });
});
