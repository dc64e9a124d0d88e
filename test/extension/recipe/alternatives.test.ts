import { expect, test } from "vitest";
import { alternatives } from "../../../src/extension/recipe/alternatives.ts";
import { costTable } from "../../../src/extension/recipe/costTable.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";

const recipe = recipeSchema.parse({
  name: "r",
  model: "m",
  stages: [{ type: "supervised", steps: 5, train: { method: "lora", rank: 16, layers: [0, 9] } }],
});
const values = (path: (string | number)[]) =>
  alternatives(recipe, path, 30).map(({ value, chosen }) => (chosen ? `[${value}]` : value));

test("a number is compared with half and twice of it", () => {
  expect(values(["stages", 0, "steps"])).toEqual(["3", "[5]", "10"]);
  expect(alternatives(recipe, ["stages", 0, "steps"], 30)[2]!.recipe.stages[0]).toMatchObject({ steps: 10 });
});

test("a method is compared with the other, on the same layers", () => {
  expect(values(["stages", 0, "train", "method"])).toEqual(['["lora"]', '"full"']);
  const full = alternatives(recipe, ["stages", 0, "train", "method"], 30)[1]!.recipe.stages[0]!.train;
  expect(full).toEqual({ method: "full", layers: [0, 9], embeddings: false });
});

test("no layer lies beyond the model", () => {
  const contrast = recipeSchema.parse({
    name: "r",
    model: "m",
    stages: [{ type: "contrastive", layer: 18 }],
  });
  const layers = alternatives(contrast, ["stages", 0, "layer"], 30).map(({ value }) => value);
  expect(layers).toEqual(["9", "18", "30"]);
});

test("a key that decides no cost has no alternatives, nor has a value that no recipe may have", () => {
  expect(values(["name"])).toEqual([]);
  expect(values(["stages", 0, "train", "rank"])).toEqual(["8", "[16]", "32"]);
  expect(values(["checkpoint", "keep"])).toEqual([]);
});

test("a table of costs has the chosen one in bold", () => {
  const cost = { seconds: 600, memoryBytes: 1.6e9, diskBytes: 3e8 };
  expect(
    costTable([{ name: "steps 5", cost, chosen: true }], "memory")
      .split("\n")
      .at(-1),
  ).toBe("| **steps 5** | **10 min** | **1.6 GB** | **300 MB** |");
});
