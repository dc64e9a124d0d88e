import { beforeEach, expect, test, vi } from "vitest";
import { type RecipeInput, recipeSchema } from "../../src/protocol/recipe.ts";
import { checkPrompts } from "../../src/recipe/checkPrompts.ts";
import { holdOutNotes } from "../../src/recipe/holdOut.ts";
import { readRecipePrompts } from "../../src/recipe/prompts.ts";
import { readRecipe } from "../../src/recipe/recipeFile.ts";
import { samplePath } from "../publishedFiles.ts";
import { tempFolder } from "../tempFolder.ts";

beforeEach(() => {
  vi.stubEnv("DISCERN_SUITES", tempFolder());
  vi.stubEnv("DISCERN_DATA", samplePath());
  return () => vi.unstubAllEnvs();
});

const input = (file: string, changes: Partial<RecipeInput> = {}): RecipeInput => ({
  name: "tiny",
  model: "model",
  data: { contrast: [{ file }], holdOut: [{ suite: "xstest", kinds: ["homonyms", "contrast_privacy"] }] },
  stages: [{ type: "contrastive", steps: 1 }],
  evaluate: {
    suites: [
      "xstest",
      "oktest",
      { name: "own", source: { file: samplePath("xstest_v2_prompts.csv"), format: "xstest" } },
    ],
  },
  ...changes,
});
const held = ["homonyms", "contrast_homonyms", "privacy_public", "privacy_fictional", "contrast_privacy"];

test.each(["suite:xstest", samplePath("xstest_prompts.csv"), samplePath("xstest_v2_prompts.csv")])(
  "what trains and what is evaluated share no category, whatever names the file (%s)",
  async (file) => {
    const recipe = recipeSchema.parse(input(file));
    const { prompts, problems } = await readRecipePrompts(recipe, { root: "." });
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    const kinds = (records: readonly { kind?: string }[]) =>
      new Set(records.flatMap(({ kind }) => kind ?? []));
    const trained = kinds(prompts.contrast);
    expect(trained.size).toBe(13);
    expect(held.filter((kind) => trained.has(kind))).toEqual([]);
    const [xstest, oktest, own] = prompts.suites;
    expect(kinds(xstest!.records)).toEqual(new Set(held));
    expect(kinds(own!.records)).toEqual(new Set(held));
    expect(oktest!.records).toHaveLength(4);
    const { contamination } = await checkPrompts(recipe, prompts, true);
    expect(contamination.suites.map(({ exact, normalised }) => [exact, normalised])).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(holdOutNotes(recipe)).toEqual([
      expect.stringMatching(/xstest are held out.*contrast_homonyms.*alone\.$/),
    ]);
  },
);

test("without it every prompt of the suite is told to be trained on", async () => {
  const recipe = recipeSchema.parse(
    input("suite:xstest", { data: { contrast: [{ file: "suite:xstest" }] } }),
  );
  const { prompts } = await readRecipePrompts(recipe, { root: "." });
  const { contamination, problems } = await checkPrompts(recipe, prompts, true);
  expect(contamination.suites[0]).toMatchObject({
    suite: "xstest",
    prompts: 36,
    exact: 36,
    parts: { contrast: 36 },
  });
  expect(problems.find(({ about }) => about === "contaminated")?.message).toMatch(
    /36 exactly, 0 but for case.*in contrast/,
  );
});

test.each([
  [
    { holdOut: [{ suite: "xstest", kinds: ["homonym"] }] },
    ["xstest"],
    "data.holdOut.0.kinds",
    /no category "homonym"\. There are: homonyms/,
  ],
  [
    {
      holdOut: [
        { suite: "xstest", kinds: ["privacy"] },
        { suite: "xstest", kinds: ["homonyms"] },
      ],
    },
    ["xstest"],
    "data.holdOut.1.suite",
    /same as data\.holdOut\[0\]/,
  ],
  [
    { holdOut: [{ suite: "xstest", kinds: ["privacy"] }] },
    [{ suite: "xstest", kinds: ["homonyms"] }],
    "evaluate.suites.0",
    /None of its kinds is held out/,
  ],
])("a fault is at its key: %j", (data, suites, key, message) => {
  const recipe = { ...input("suite:xstest"), data, evaluate: { suites } };
  const { faults } = readRecipe(JSON.stringify(recipe));
  expect(faults.map(({ path, message: said }) => [path?.join("."), said])).toEqual([
    [key, expect.stringMatching(message)],
  ]);
});

test("a file of a suite that is not there says how to get it, also where it is named by its suite", async () => {
  vi.stubEnv("DISCERN_DATA", "");
  const recipe = recipeSchema.parse(input("suite:xstest"));
  const { problems } = await readRecipePrompts(recipe, { root: "." });
  expect(problems[0]).toMatchObject({ path: ["data", "contrast", 0, "file"], about: "file-missing" });
  expect(problems[0]!.message).toMatch(
    /fetch it with `discern suites fetch xstest` and name it "suite:xstest"/,
  );
  const unknown = recipeSchema.parse(input("suite:xtest"));
  expect((await readRecipePrompts(unknown, { root: "." })).problems[0]!.message).toMatch(/no suite "xtest"/);
  const several = recipeSchema.parse(input("suite:jailbreakbench"));
  expect((await readRecipePrompts(several, { root: "." })).problems[0]!.message).toMatch(
    /suite:jailbreakbench\/jbb-benign/,
  );
});
