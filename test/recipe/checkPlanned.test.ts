import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";
import { DiscernError } from "../../src/protocol/errors.ts";
import { checkPlannedText, plannedSuffixes } from "../../src/recipe/checkPlanned.ts";
import { samplePath } from "../publishedFiles.ts";
import { tempFolder } from "../tempFolder.ts";

const starter = join(import.meta.dirname, "../../datasets/starter");

let root: string;
beforeEach(() => {
  root = tempFolder();
});

const recipe = {
  name: "r",
  model: "tiny",
  stages: [
    { type: "contrastive", layer: 2 },
    { type: "supervised", steps: 4 },
  ],
};
const writeRecipe = (value: unknown) =>
  writeFileSync(join(root, "r.discern.json"), typeof value === "string" ? value : JSON.stringify(value));

/** Checks a comparison, and says of each problem what it is about and the text that it points at. */
async function problems(value: unknown, ending = plannedSuffixes[0]!) {
  const text = JSON.stringify(value, null, 1);
  const asked: [string, string | undefined][] = [];
  const checked = await checkPlannedText(text, `/some/x${ending}`, {
    root,
    starter,
    async model(name, from) {
      asked.push([name, from]);
      if (name === "gone") throw new DiscernError("model-missing", "There is no model gone.");
      return null;
    },
  });
  const found = checked.problems.map(({ about, message, offset, length }) => ({
    ...{ about, message },
    at: text.slice(offset, offset + length).split("\n")[0],
  }));
  const severities = checked.problems.map(({ severity }) => severity);
  return { found, severities, asked, recipe: checked.recipe };
}

test("a sound comparison has no problem, and its recipe is that of its methods", async () => {
  writeRecipe(recipe);
  const { found, recipe: read } = await problems({ name: "c", recipe: "r.discern.json", set: { seed: 7 } });
  expect(found).toEqual([]);
  expect(read).toMatchObject({ model: { base: "tiny" }, seed: 7 });
});

test("faults of the file stand at their keys", async () => {
  const twice = { name: "c", recipe, methods: [{ name: "a" }, { name: "A" }] };
  expect((await problems(twice)).found).toEqual([
    { about: "recipe-invalid", at: "{", message: expect.stringContaining("the same as methods[0]") },
  ]);
  expect(
    (await problems({ name: "c", recipe, sedes: [1], methods: [{ name: "a", setting: {} }] })).found,
  ).toEqual([
    { about: "recipe-invalid", at: '"sedes": [', message: expect.stringMatching(/did you mean "seeds"\?/) },
    { about: "recipe-invalid", at: '"setting": {}', message: expect.stringMatching(/did you mean "set"\?/) },
  ]);
});

test("a recipe that is missing or has faults is told at the key that names it", async () => {
  const named = { name: "c", recipe: "r.discern.json" };
  expect((await problems(named)).found).toEqual([
    {
      about: "file-missing",
      at: '"recipe": "r.discern.json"',
      message: expect.stringContaining("cannot be read"),
    },
  ]);
  writeRecipe({ ...recipe, seeds: 1 });
  expect((await problems(named)).found).toEqual([
    { about: "recipe-invalid", at: '"recipe": "r.discern.json"', message: expect.stringContaining("seeds") },
  ]);
  writeRecipe("{");
  expect((await problems(named)).found[0]!.message).toContain("Not JSON");
});

test("a method or change that the recipe cannot have is told at its entry", async () => {
  writeRecipe({ ...recipe, stages: [{ type: "supervised", steps: 4 }] });
  const { found } = await problems({
    ...{ name: "c", recipe: "r.discern.json" },
    methods: [{ name: "STL" }, { name: "DCR", stages: ["contrastive"] }],
    changes: [
      { name: "fine", set: { "stages.0.steps": 5 } },
      { name: "wrong", set: { "stages.0.steps": "five" } },
    ],
  });
  expect(found.map(({ message }) => message)).toEqual([
    expect.stringContaining("no contrastive stage to keep"),
    expect.stringContaining("stages[0].steps"),
  ]);
});

test("a missing suite that a comparison's recipe has reported is information, whatever it is called in", async () => {
  const evaluate = { suites: [{ name: "mine", source: { file: "gone.csv" } }], missing: "report" };
  writeRecipe({ ...recipe, evaluate });
  const { found, severities } = await problems({ name: "c", recipe: "r.discern.json" });
  expect(severities).toEqual(["information"]);
  expect(found).toMatchObject([
    {
      message: expect.stringMatching(/gone\.csv.* The report will list it as missing\.$/s),
    },
  ]);
});

test("a benchmark's methods are told at their entries, those on another once; a suite that is missing is a warning", async () => {
  writeRecipe({ ...recipe, stages: [{ type: "supervised", steps: 4 }] });
  const benchmark = {
    ...{ name: "b", recipe: "r.discern.json", reference: "STL" },
    suites: [{ name: "gone", source: { file: "gone.csv" } }],
    methods: [
      { name: "STL", set: { "stages.0.steps": "many" } },
      { name: "more", on: "STL", stages: ["supervised"], set: { "stages.0.batchSize": 2 } },
      { name: "DCR", stages: ["contrastive"] },
    ],
  };
  const { found } = await problems(benchmark, ".benchmark.json");
  expect(found.map(({ about, message }) => [about, message])).toEqual([
    ["file-missing", expect.stringMatching(/gone\.csv.* The suite will be shown as missing\.$/s)],
    ["recipe-invalid", expect.stringContaining("stages[0].steps")],
    ["recipe-invalid", expect.stringContaining("no contrastive stage to keep")],
  ]);
});

test("prompts and model of the shared recipe are checked in its own folder; a key is named where it stands elsewhere", async () => {
  mkdirSync(join(root, "sub"));
  const broken = { ...recipe, model: "gone", data: { contrast: [{ file: "nowhere.csv" }] } };
  writeFileSync(join(root, "sub/r.discern.json"), JSON.stringify(broken));
  const { found, asked } = await problems({ name: "c", recipe: "sub/r.discern.json" });
  expect(asked).toEqual([["gone", join(root, "sub")]]);
  expect(found.map(({ about, message }) => [about, message])).toEqual([
    ["file-missing", expect.stringMatching(/^data\.contrast\.0.*: .*nowhere\.csv/)],
    ["model-missing", "model: There is no model gone."],
  ]);
  const inside = await problems({ name: "c", recipe: broken });
  expect(inside.found.map(({ at }) => at).sort()).toEqual(['"file": "nowhere.csv"', '"model": "gone"']);
});

test("a suite of a benchmark whose answers no judge reads is told at its key", async () => {
  vi.stubEnv("DISCERN_DATA", samplePath());
  try {
    const methods = [{ name: "STL", stages: ["supervised"] }];
    const { found } = await problems(
      { name: "b", recipe, suites: ["xstest", "alpaca-eval"], methods },
      ".benchmark.json",
    );
    expect(found.filter(({ about }) => about === "recipe-invalid")).toEqual([
      { about: "recipe-invalid", at: '"alpaca-eval"', message: expect.stringContaining("no win rate") },
    ]);
  } finally {
    vi.unstubAllEnvs();
  }
});

test("a gate that several judges could be meant by is a fault at its place, with the conditions to choose from", async () => {
  const guard = (id: string) => ({ type: "guard", family: "llama-guard", model: "guard", id });
  const benchmark = {
    ...{
      name: "b",
      recipe,
      methods: [{ name: "STL" }],
      suites: [{ name: "s", source: { file: "starter:pairs.csv" } }],
    },
    judges: ["xstest", guard("one"), guard("two")],
    gates: ["s.safe_refusal > 0.2", "s.attack_success > 0.1", "s.attack_success@two > 0.1"],
  };
  const { found } = await problems(benchmark, ".benchmark.json");
  expect(found.filter(({ about }) => about === "recipe-invalid")).toEqual([
    {
      ...{ about: "recipe-invalid", at: '"s.attack_success > 0.1"' },
      message: expect.stringContaining("Write: s.attack_success@one > 0.1, or s.attack_success@two > 0.1."),
    },
  ]);
});
