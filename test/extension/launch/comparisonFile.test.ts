import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  comparisonOf,
  comparisonPath,
  comparisonText,
  placeFor,
  seedChoices,
  seedsIn,
  withComparison,
} from "../../../src/extension/launch/comparisonFile.ts";
import { type ComparisonInput, comparisonSchema } from "../../../src/protocol/comparison.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { tempFolder } from "../../tempFolder.ts";

const write = (path: string, comparison: ComparisonInput, replace: boolean) =>
  withComparison({ path, text: comparisonText(comparison), replace }, async () => undefined);
const recipe = recipeSchema.parse({
  name: "dcr",
  model: "m",
  seed: 7,
  stages: [{ type: "contrastive" }, { type: "supervised", steps: 5 }],
});

test("a comparison stands beside its recipe, with methods and seed to change", () => {
  expect(comparisonPath("/w/dcr.discern.json")).toBe("/w/dcr.comparison.json");
  expect(comparisonPath("/w/dcr.json")).toBe("/w/dcr.comparison.json");
  const comparison = comparisonOf("/w/dcr.discern.json", recipe);
  expect(comparison).toEqual({
    name: "dcr-comparison",
    recipe: "dcr.discern.json",
    methods: [
      { name: "untrained", stages: [] },
      { name: "STL", stages: ["supervised"] },
      { name: "DCR → STL" },
    ],
    seeds: [7],
  });
  expect(comparisonSchema.parse(comparison)).toMatchObject(comparison);
  const name = "x".repeat(100);
  expect(comparisonSchema.parse(comparisonOf("/w/a.json", { ...recipe, name })).name).toHaveLength(100);
});

test("a recipe that is not to evaluate the untrained model is compared without it", () => {
  const without = { ...recipe, evaluate: { ...recipe.evaluate, before: false } };
  expect(comparisonOf("/w/a.json", without).methods!.map(({ name }) => name)).toEqual(["STL", "DCR → STL"]);
});

test("seeds are offered from the recipe's own on, with the runs they make, and those of the file first", async () => {
  const words = (own: readonly number[] | null, one = recipe) =>
    seedChoices(one, own).map(({ label, description }) => `${label}: ${description}`);
  expect(words(null)).toEqual([
    "1 seed: 7 · 3 runs",
    "2 seeds: 7, 8 · 5 runs",
    "3 seeds: 7, 8, 9 · 7 runs",
    "5 seeds: 7, 8, 9, 10, 11 · 11 runs",
  ]);
  expect(words([7, 8])).toEqual([
    "2 seeds: 7, 8 · 5 runs, as in its file",
    "1 seed: 7 · 3 runs",
    "3 seeds: 7, 8, 9 · 7 runs",
    "5 seeds: 7, 8, 9, 10, 11 · 11 runs",
  ]);
  const without = { ...recipe, evaluate: { ...recipe.evaluate, before: false } };
  expect(words([3], without)[0]).toBe("1 seed: 3 · 2 runs, as in its file");
  const path = join(tempFolder(), "dcr.comparison.json");
  expect(await seedsIn(path)).toBeNull();
  await write(path, comparisonOf("/w/dcr.discern.json", recipe, [3, 5]), false);
  expect(await seedsIn(path)).toEqual([3, 5]);
  await writeFile(path, "{ half");
  expect(await seedsIn(path)).toBeNull();
});

test("a comparison of a person is never replaced unasked", async () => {
  const path = join(tempFolder(), "dcr.comparison.json");
  const comparison = comparisonOf("/w/dcr.discern.json", recipe);
  expect(await placeFor(path, comparison)).toBe("free");
  await write(path, comparison, false);
  expect(await placeFor(path, comparison)).toBe("same");
  for (const own of ['{ "name": "mine" }', "{ half"]) {
    await writeFile(path, own);
    expect(await placeFor(path, comparison)).toBe("other");
    await expect(write(path, comparison, false)).rejects.toMatchObject({ code: "EEXIST" });
    expect(await readFile(path, "utf8")).toBe(own);
  }
  await write(path, comparison, true);
  expect(await placeFor(path, comparison)).toBe("same");
});

test("a comparison that was not started leaves no new file, gives back what it replaced, and keeps what was changed since", async () => {
  const path = join(tempFolder(), "dcr.comparison.json");
  const text = comparisonText(comparisonOf("/w/dcr.discern.json", recipe));
  const calledOff = (replace: boolean, edit?: string) =>
    withComparison({ path, text, replace }, async () => {
      expect(await readFile(path, "utf8")).toBe(text);
      if (edit !== undefined) await writeFile(path, edit);
      throw new Error("called off");
    });
  await expect(calledOff(false)).rejects.toThrow("called off");
  await expect(readFile(path)).rejects.toMatchObject({ code: "ENOENT" });
  await expect(calledOff(false, "mine")).rejects.toThrow("called off");
  expect(await readFile(path, "utf8")).toBe("mine");
  await expect(calledOff(true)).rejects.toThrow("called off");
  expect(await readFile(path, "utf8")).toBe("mine");
  await expect(calledOff(true, "newer")).rejects.toThrow("called off");
  expect(await readFile(path, "utf8")).toBe("newer");
});
