import { expect, test } from "vitest";
import { recipeOf, recipesOn } from "../../../src/extension/launch/onPrompts.ts";

const recipe = (name: string, more: object = {}, folder = "/w") => ({
  path: `${folder}/${name}.discern.json`,
  root: folder,
  text: JSON.stringify({ name, model: "m", stages: [], ...more }),
});

test("recipes that train on a file come before those that only measure it, also with a fault elsewhere", () => {
  const list = [
    recipe("other"),
    recipe("measures", { evaluate: { suites: [{ name: "s", source: { file: "data/p.csv" } }] } }),
    recipe("trains", { data: { contrast: [{ file: "../data/p.csv" }] }, seeed: 1 }, "/w/recipes"),
    { ...recipe("broken"), text: "{" },
  ];
  expect(recipesOn(list, "/w/data/p.csv").map(({ recipe: { path }, trains }) => [path, trains])).toEqual([
    ["/w/recipes/trains.discern.json", true],
    ["/w/measures.discern.json", false],
  ]);
});

test("a run is of the recipe by its name, of STL alone too; of two it is not known", () => {
  const list = [recipe("a"), recipe("b"), recipe("b", {}, "/other")];
  expect(recipeOf(list, "a")).toMatchObject({ recipe: { path: "/w/a.discern.json" }, stlAlone: false });
  expect(recipeOf(list, "a-stl-alone")).toMatchObject({
    recipe: { path: "/w/a.discern.json" },
    stlAlone: true,
  });
  expect(recipeOf(list, "b")).toBeNull();
  expect(recipeOf(list, "c")).toBeNull();
});
