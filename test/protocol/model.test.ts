import { expect, test } from "vitest";
import { recipeSchema } from "../../src/protocol/recipe.ts";
import { readRecipe } from "../../src/recipe/recipeFile.ts";

const recipe = { name: "r", stages: [] };
const modelOf = (more: object) => recipeSchema.parse({ ...recipe, ...more }).model;

test("a model is read in one form, however it is named", () => {
  expect(modelOf({ model: "m" })).toEqual({ base: "m", adapters: [] });
  expect(modelOf({ model: { base: "m" } })).toEqual({ base: "m", adapters: [] });
  expect(modelOf({ model: { base: "m", adapters: ["a", "b"] } })).toEqual({
    base: "m",
    adapters: ["a", "b"],
  });
  // Recipes of earlier versions.
  expect(modelOf({ model: "m", adapter: "a" })).toEqual({ base: "m", adapters: ["a"] });
});

test("a recipe as it is kept in a run is read to the same", () => {
  const read = recipeSchema.parse({ ...recipe, model: "m", adapter: "a" });
  expect(recipeSchema.parse(JSON.parse(JSON.stringify(read)))).toEqual(read);
  expect(Object.keys(read).slice(0, 3)).toEqual(["name", "seed", "model"]);
});

test("faults stand at their keys", () => {
  const faults = (more: object) =>
    readRecipe(JSON.stringify({ ...recipe, ...more })).faults.map(({ path, message }) => [
      path?.join("."),
      message,
    ]);
  expect(faults({ model: { base: "m", adapters: ["a"] }, adapter: "b" })).toEqual([
    ["adapter", expect.stringContaining("Name all of them there")],
  ]);
  expect(faults({ model: { base: "m", adapters: [""] } })[0]?.[0]).toBe("model.adapters.0");
  expect(faults({ model: { bsae: "m" } }).map(([path]) => path)).toContain("model.bsae");
  expect(faults({ model: 3 })[0]?.[0]).toBe("model");
});
