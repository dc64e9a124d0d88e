import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { startRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { TrainingStage } from "../../../src/engine/train/trainingStage.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { isRun } from "../../../src/runFolder/folder.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

const input = {
  name: "tiny",
  model: "model",
  device: "cpu",
  threads: 1,
  maxTokens: 512,
  data: { ...tinyData, contrast: [{ file: "starter:pairs.csv", split: "train", limit: 24 }] },
  stages: [
    { type: "contrastive", layer: 2, steps: 1, sampler: { batch: 8 }, retention: { batch: 2 } },
    { type: "supervised", steps: 1, batchSize: 4 },
  ],
  probes: { openings: ["I'm sorry"] },
  evaluate: {
    before: false,
    suites: [{ name: "test", source: { file: "starter:pairs.csv", split: "test", limit: 4 } }],
    maxNewTokens: 2,
  },
} satisfies RecipeInput;

const later = (train: object) => ({ stages: [input.stages[0], { ...input.stages[1], train }] });
const suite = (file: string) => ({
  evaluate: { ...input.evaluate, suites: [{ name: "own", source: { file } }] },
});

test.each([
  [
    "a target",
    later({ method: "lora", targets: ["q_proj", "upp_proj"] }),
    /stages\[1\]\.train\.targets\[1\].*"upp_proj"/,
  ],
  ["layers", later({ method: "full", layers: [1, 4] }), /stages\[1\]\.train\.layers.*layers 0 to 2/],
  ["a probe's layer", { probes: { separationLayers: [4] } }, /probes\.separationLayers\[0\].*3 layers/],
])(
  "%s that a later stage names and the model has not is found before its weights are read",
  async (_, change, message) => {
    const root = tempFolder();
    await writeTinyModel(join(root, "model"));
    const wrong = recipeSchema.parse({ ...input, ...change });
    const onProgress = vi.fn();
    const folder = join(root, "run");
    await expect(startRun(wrong, root, { folder, stop: new Stop(), onProgress })).rejects.toMatchObject({
      code: "recipe-invalid",
      message: expect.stringMatching(message),
    });
    expect(onProgress).not.toHaveBeenCalled();
    expect(await isRun(folder)).toBe(false);
  },
);

test.each([
  ["no labels", "prompt\nHello?\n", /None of the 1 prompt/],
  [
    "no prompt that fits",
    `prompt,label\n${"long ".repeat(200)},toxic\n`,
    /No prompt of the suite "own" fits/,
  ],
])("a suite with %s is found before anything is trained", async (_, rows, message) => {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  await writeFile(join(root, "own.csv"), rows);
  const wrong = recipeSchema.parse({ ...input, ...suite("own.csv") });
  const train = vi.spyOn(TrainingStage, "create");
  const folder = join(root, "run");
  await expect(startRun(wrong, root, { folder, stop: new Stop() })).rejects.toMatchObject({
    code: "dataset-empty",
    message: expect.stringMatching(message),
  });
  expect(train).not.toHaveBeenCalled();
  expect(await isRun(folder)).toBe(false);
  train.mockRestore();
});

test("what the model changes of a recipe is a warning of the run", async () => {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const recipe = recipeSchema.parse({ ...input, maxTokens: 600, ...later({ method: "lora", rank: 40 }) });
  const stop = new Stop();
  const warnings: string[] = [];
  const onEvent = (event: RunEvent) => {
    if (event.type === "warning") warnings.push(event.message);
    if (event.type === "stage-started") stop.request();
  };
  await startRun(recipe, root, { folder: join(root, "run"), stop, onEvent });
  expect(warnings.join("\n")).toMatch(/stages\[1\]\.train\.rank: Rank 40[\s\S]*maxTokens: .*512/);
});
