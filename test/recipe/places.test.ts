import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { addRun } from "../../src/engine/commands/run.ts";
import { inspectModel } from "../../src/engine/model/load.ts";
import { startRun } from "../../src/engine/run/execute.ts";
import { Stop } from "../../src/engine/run/stop.ts";
import type { RunEvent } from "../../src/protocol/events.ts";
import { checkRecipeText } from "../../src/recipe/check.ts";
import { pathText } from "../../src/recipe/jsonFile.ts";
import { loadRecipe } from "../../src/recipe/loadRecipe.ts";
import { knownModel, type ModelFacts, modelFactsSchema } from "../../src/recipe/modelFacts.ts";
import { problemText } from "../../src/recipe/problem.ts";
import { isRun } from "../../src/runFolder/folder.ts";
import { tinyData, writeTinyModel } from "../tinyModel.ts";

/** The same fault is found with the same words and at the same key in an editor, by a run that is started, and by `discern run`. */

const starter = join(import.meta.dirname, "../../datasets/starter");
let root: string;
let facts: ModelFacts;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "discern-"));
  await writeTinyModel(join(root, "model"));
  facts = modelFactsSchema.parse(await inspectModel(join(root, "model")));
  const csv = (name: string, ...rows: string[]) => writeFile(join(root, name), `${rows.join("\n")}\n`);
  const many = Array.from({ length: 30 }, (_, i) => `seemingly_toxic,Is question ${i} fine?`);
  await csv("oneToxic.csv", "label,prompt", ...many, "toxic,Is demand 0 bad?");
  await csv(
    "tenToxic.csv",
    "label,prompt",
    ...many,
    ...many.slice(0, 10).map((_, i) => `toxic,Is demand ${i} bad?`),
  );
  await csv(
    "onePair.csv",
    "label,pair,prompt",
    "toxic,a,One?",
    "toxic,a,Two?",
    "seemingly_toxic,a,Three?",
    "seemingly_toxic,a,Four?",
  );
  await csv("bare.csv", "prompt", "Hello?");
  await writeFile(join(root, "half.jsonl"), '{"prompt":"a","response":"b"}\n{"prompt":"c"}\n');
});

afterAll(() => rm(root, { recursive: true, force: true }));

const contrast = { type: "contrastive", layer: 2, steps: 1, sampler: { batch: 8 }, retention: { batch: 2 } };
const supervised = { type: "supervised", steps: 1, batchSize: 4 };
const sound = {
  name: "tiny",
  model: "model",
  device: "cpu",
  threads: 1,
  maxTokens: 512,
  data: { ...tinyData, contrast: [{ file: "starter:pairs.csv", split: "train", limit: 64 }] },
  stages: [contrast, supervised],
  probes: { openings: ["I'm sorry"] },
  evaluate: {
    before: false,
    suites: [{ name: "test", source: { file: "starter:pairs.csv", split: "test", limit: 4 } }],
    maxNewTokens: 2,
  },
};
const data = (changes: object) => ({ ...sound, data: { ...sound.data, ...changes } });
const suite = (source: object) => ({
  ...sound,
  evaluate: { ...sound.evaluate, suites: [{ name: "own", source }] },
});
const stages = (...list: object[]) => ({ ...sound, stages: list });

/** A recipe, as JSON or as text, with the keys of its errors and words of the first. */
const errors: readonly (readonly [what: string, recipe: unknown, keys: string[], RegExp])[] = [
  ["text that is not JSON", '{ "name": "a",, }', [""], /^Not JSON/],
  ["an empty file", "", [""], /^The file is empty\.$/],
  ["an unknown key", { ...sound, seeed: 1 }, ["seeed"], /did you mean "seed"\?/],
  ["a missing key", { ...sound, model: undefined }, ["model"], /^Missing/],
  ["a wrong type", { ...sound, seed: "x" }, ["seed"], /^Found "x", expected number\.$/],
  ["two wrong values", { ...sound, seed: -1, maxTokens: 1 }, ["maxTokens", "seed"], /^Found 1,/],
  [
    "a device of another backend",
    { ...sound, backend: "onnx", device: "cuda" },
    ["device"],
    /The onnx backend does not compute on cuda/,
  ],
  [
    "a device that torch does not have",
    { ...sound, backend: "torch", device: "webgpu" },
    ["device"],
    /PyTorch does not compute on webgpu/,
  ],
  [
    "streaming by torch",
    { ...sound, device: "cuda", memory: "stream" },
    ["memory"],
    /The torch backend does not stream weights/,
  ],
  [
    "a key of another loss",
    stages({ ...contrast, loss: { type: "supcon", margin: 1 } }),
    ["stages[0].loss.margin"],
    /"circle" and "triplet" have it/,
  ],
  [
    "an unknown loss",
    stages({ ...contrast, loss: { type: "arcface" } }),
    ["stages[0].loss.type"],
    /allowed: circle/,
  ],
  ["steps and epochs", stages({ ...supervised, epochs: 1 }), ["stages[0].steps"], /exactly one of/],
  [
    "a share that steps cannot hold",
    stages({ ...supervised, safetyRatio: 0.01 }),
    ["stages[0].safetyRatio"],
    /^A share of 0\.01 draws no safety pair among the 4 pairs/,
  ],
  [
    "a share that epochs cannot hold",
    stages({ type: "supervised", epochs: 0.1, batchSize: 4, safetyRatio: 0.01 }),
    ["stages[0].safetyRatio"],
    /^A share of 0\.01 draws no safety pair/,
  ],
  [
    "a name of two suites",
    {
      ...sound,
      evaluate: { ...sound.evaluate, suites: [...sound.evaluate.suites, ...sound.evaluate.suites] },
    },
    ["evaluate.suites[1].name"],
    /suite 1 has this name/,
  ],
  [
    "a missing prompt file",
    data({ contrast: [{ file: "nowhere.csv" }] }),
    ["data.contrast[0].file"],
    /no prompt file .*nowhere\.csv\. Check the path\.$/,
  ],
  [
    "missing prompt files",
    {
      ...data({ safety: [{ file: "a.csv" }] }),
      evaluate: { suites: [{ name: "b", source: { file: "b.csv" } }] },
    },
    ["data.safety[0].file", "evaluate.suites[0].source.file"],
    /a\.csv/,
  ],
  [
    "a missing published file",
    suite({ file: "xstest_v2_prompts.csv" }),
    ["evaluate.suites[0].source.file"],
    /exaggerated-safety/,
  ],
  [
    "filters that no prompt passes",
    data({ general: [{ file: "starter:general.jsonl", split: "nowhere" }] }),
    ["data.general[0]"],
    /passes the filters/,
  ],
  [
    "a column that is not there",
    data({ contrast: [{ file: "starter:pairs.csv", where: { colour: "red" } }] }),
    ["data.contrast[0]"],
    /colour/,
  ],
  [
    "a suite without labels",
    suite({ file: "bare.csv" }),
    ["evaluate.suites[0].source"],
    /None of the 1 prompt/,
  ],
  [
    "a group with one prompt",
    data({ contrast: [{ file: "oneToxic.csv" }] }),
    ["data.contrast"],
    /^The contrast has 1 toxic prompt and needs at least 2\./,
  ],
  [
    "a contrast of which none can be held out",
    { ...data({ contrast: [{ file: "onePair.csv" }] }), stages: [{ ...contrast, layer: "auto" }] },
    ["stages[0].layer"],
    /^Layer "auto" tries probes/,
  ],
  [
    "general prompts without answers",
    data({ general: [{ file: "half.jsonl", label: "general" }] }),
    ["data.general"],
    /^1 of the 2 prompts of data\.general have no answer to learn from.*line 2/,
  ],
  [
    "monitored general prompts without answers",
    data({ panels: { ...tinyData.panels, general: { file: "half.jsonl", label: "general" } } }),
    ["data.panels.general"],
    /^1 of the 2 prompts of data\.panels\.general have no answer whose loss/,
  ],
  [
    "a key that the second source of a panel has not",
    data({
      panels: { ...tinyData.panels, toxic: [{ file: "onePair.csv" }, { file: "onePair.csv", limt: 1 }] },
    }),
    ["data.panels.toxic[1].limt"],
    /did you mean "limit"/,
  ],
  [
    "a file of a panel's second source that is missing",
    data({ panels: { ...tinyData.panels, toxic: [{ file: "onePair.csv" }, { file: "gone.csv" }] } }),
    ["data.panels.toxic[1].file"],
    /gone\.csv/,
  ],
  [
    "a layer beyond the model",
    stages({ ...contrast, layer: 4 }),
    ["stages[0].layer"],
    /has 3 layers, so 4 lies beyond it/,
  ],
  [
    "a module that the model has not",
    stages(contrast, { ...supervised, train: { method: "lora", targets: ["q_prj"] } }),
    ["stages[1].train.targets[0]"],
    /no module "q_prj"; it has q_proj/,
  ],
  [
    "trained layers beyond the model",
    stages(contrast, { ...supervised, train: { method: "full", layers: [1, 4] } }),
    ["stages[1].train.layers"],
    /layers 0 to 2/,
  ],
  [
    "a probe beyond the model",
    { ...sound, probes: { ...sound.probes, separationLayers: [4] } },
    ["probes.separationLayers[0]"],
    /3 layers/,
  ],
];

/** Recipes that run, with the keys of their warnings and words of the first. */
const warnings: readonly (readonly [what: string, recipe: object, keys: string[], RegExp])[] = [
  [
    "few prompts",
    data({ contrast: [{ file: "tenToxic.csv" }] }),
    ["data.contrast"],
    /^The contrast has only 10 toxic prompts; half a batch is 4/,
  ],
  [
    "a suite that is trained on",
    suite({ file: "starter:pairs.csv", split: "train", limit: 4 }),
    ["evaluate.suites[0].source"],
    /^4 of the 4 prompts of the suite "own" are trained on/,
  ],
  [
    "panels that are trained on",
    data({
      panels: {
        ...tinyData.panels,
        toxic: { file: "starter:pairs.csv", split: "train", labels: ["toxic"], limit: 4 },
      },
    }),
    ["data.panels"],
    /of the \d+ prompts of the panels are trained on/,
  ],
  [
    "rows without labels",
    data({ contrast: [...sound.data.contrast, { file: "bare.csv" }] }),
    ["data.contrast[1]"],
    /^The contrast does not use 1 without a label/,
  ],
  [
    "a rank beyond the weights",
    stages(contrast, { ...supervised, train: { method: "lora", rank: 40 } }),
    ["stages[1].train.rank"],
    /^Rank 40 is more/,
  ],
  ["more tokens than the context", { ...sound, maxTokens: 600 }, ["maxTokens"], /512/],
];

async function inEditor(text: string) {
  const { problems } = await checkRecipeText(text, {
    root,
    starter,
    model: async () => knownModel(facts),
  });
  for (const { path, offset, length } of problems) {
    const key = path?.at(-1);
    const whole = text.length === 0 || path === null || key === undefined;
    if (!whole && typeof key === "string" && text.includes(`"${key}"`))
      expect(text.slice(offset, offset + length)).toContain(`"${key}"`);
  }
  return problems.map(({ severity, path, message }) => ({
    severity,
    key: path === null ? "" : pathText(path),
    message,
    text: problemText({ path, message }),
  }));
}

let count = 0;
async function written(recipe: unknown): Promise<{ text: string; file: string; folder: string }> {
  const text = typeof recipe === "string" ? recipe : JSON.stringify(recipe, null, 2);
  const file = join(root, `${++count}.discern.json`);
  await writeFile(file, text);
  return { text, file, folder: join(root, `run-${count}`) };
}

describe("an error is the same in editor, run and command line:", () => {
  test.each(errors)("%s", async (_, recipe, keys, words) => {
    const { text, file, folder } = await written(recipe);
    const found = (await inEditor(text)).filter(({ severity }) => severity === "error");
    expect(found.map(({ key }) => key)).toEqual(keys);
    expect(found[0]!.message).toMatch(words);
    expect(found[0]!.message).toMatch(/^[A-Z0-9"/].*\.$/s);

    const start = async () => {
      const loaded = await loadRecipe(file, { set: [], stlAlone: false });
      await startRun(loaded.recipe, loaded.root, { folder, stop: new Stop() });
    };
    const run = new Command("discern").exitOverride();
    addRun(run);
    const command = () => run.parseAsync(["node", "discern", "run", file, "--out", folder]);
    for (const place of [start, command]) {
      const error = await place().then(
        () => null,
        (thrown: Error) => thrown,
      );
      const lines = error!.message.split("\n");
      expect(lines).toHaveLength(found.length);
      for (const [i, problem] of found.entries()) expect(lines[i]!.endsWith(problem.text)).toBe(true);
      expect(await isRun(folder)).toBe(false);
    }
  });
});

describe("a warning is the same in editor and run:", () => {
  test.each(warnings)("%s", async (_, recipe, keys, words) => {
    const { text, file, folder } = await written(recipe);
    const found = await inEditor(text);
    expect(found.map(({ key }) => key)).toEqual(keys);
    expect(found.map(({ severity }) => severity)).toEqual(keys.map(() => "warning"));
    expect(found[0]!.message).toMatch(words);
    const loaded = await loadRecipe(file, { set: [], stlAlone: false });
    const stop = new Stop();
    const said: string[] = [];
    const onEvent = vi.fn((event: RunEvent) => {
      if (event.type === "warning") said.push(event.message);
      if (event.type === "stage-started") stop.request();
    });
    await startRun(loaded.recipe, loaded.root, { folder, stop, onEvent });
    for (const { message } of found) expect(said.some((each) => each.endsWith(message))).toBe(true);
  });
});

test("a sound recipe has no problem in the editor", async () => {
  expect(await inEditor(JSON.stringify(sound))).toEqual([]);
});
