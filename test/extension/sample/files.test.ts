import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readPrompts } from "../../../src/dataset/read.ts";
import { readRunPrompts } from "../../../src/engine/run/prompts.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { writeSample } from "../../../src/extension/sample/files.ts";
import { parseRecipe } from "../../../src/recipe/recipeFile.ts";
import { tempFolder } from "../../tempFolder.ts";

const extension = join(import.meta.dirname, "../../..");

test("the sample workspace has a recipe whose prompts are all there, and prompts that nobody has labelled", async () => {
  const folder = tempFolder();
  await writeSample(folder, extension);
  const file = join(folder, "dcr.discern.json");
  const prompts = await readRunPrompts(
    parseRecipe(await readFile(file, "utf8"), file),
    folder,
    [],
    new Stop(),
  );
  expect(prompts.notices).toEqual([]);
  expect(prompts.contrast).toHaveLength(480);
  expect(prompts.suites[0]!.records).toHaveLength(96);
  const { records } = await readPrompts(join(folder, "prompts/to-label.csv"));
  expect(records.length).toBeGreaterThan(20);
  expect(records.filter(({ label }) => label !== undefined)).toEqual([]);
});

test("what is in the folder already stays as it is", async () => {
  const folder = tempFolder();
  await writeFile(join(folder, "README.md"), "mine");
  await writeSample(folder, extension);
  expect(await readFile(join(folder, "README.md"), "utf8")).toBe("mine");
});
