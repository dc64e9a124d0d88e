import { join } from "node:path";
import { expect, test } from "vitest";
import { readPrompts } from "../../../src/dataset/read.ts";
import { newRecipe } from "../../../src/extension/recipe/newRecipe.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";

const starter = join(import.meta.dirname, "../../../datasets/starter");
const file = async (name: string, path = name) => ({
  path,
  records: (await readPrompts(join(starter, name), { format: "starter" })).records,
});

test("files take the parts that their prompts fit, and their splits are used", async () => {
  const files = [
    await file("pairs.csv", "data/my pairs.csv"),
    await file("general.jsonl"),
    await file("safety.jsonl"),
  ];
  const recipe = newRecipe("mine", "smollm2-135m", files);
  expect(recipeSchema.safeParse(recipe).error).toBeUndefined();
  expect(recipe.data).toMatchObject({
    contrast: [{ file: "data/my pairs.csv", split: "train" }],
    general: [{ file: "general.jsonl", split: "train" }],
    safety: [{ file: "safety.jsonl", split: "train" }],
    panels: {
      toxic: { file: "data/my pairs.csv", split: "panel" },
      general: { file: "general.jsonl", split: "panel" },
    },
  });
  expect(recipe.evaluate?.suites).toEqual([
    { name: "my-pairs-test", source: { file: "data/my pairs.csv", split: "test" } },
  ]);
});

test("without files the starter set stands in for everything", () => {
  const recipe = newRecipe("empty", "m", []);
  expect(recipeSchema.parse(recipe)).toMatchObject({
    data: { contrast: [{ file: "starter:pairs.csv" }], panels: { toxic: { file: "starter:pairs.csv" } } },
  });
});

test("a file without splits is trained on whole, and panels are not taken from it", async () => {
  const { records } = await file("pairs.csv");
  const bare = { path: "p.csv", records: records.map(({ split: _, ...record }) => record) };
  const recipe = newRecipe("bare", "m", [bare]);
  expect(recipe.data?.contrast).toEqual([{ file: "p.csv" }]);
  expect(recipe.data?.panels?.toxic).toMatchObject({ file: "starter:pairs.csv" });
  expect(recipe.evaluate).toBeUndefined();
});
