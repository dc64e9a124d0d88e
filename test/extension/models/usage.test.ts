import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { isHubName, isSameModel, modelOfRecipe } from "../../../src/extension/models/usage.ts";
import { tempFolder } from "../../tempFolder.ts";

test("a recipe's model is looked for beside the recipe; faults elsewhere in it do not matter", async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, "models", "tiny"), { recursive: true });
  writeFileSync(join(folder, "models", "tiny", "config.json"), "{}");
  const recipe = join(folder, "a.discern.json");
  const write = (text: string) => writeFileSync(recipe, text);
  write('{ "model": "models/tiny", "stages": 7 }');
  expect(await modelOfRecipe(recipe)).toBe(join(folder, "models", "tiny"));
  for (const text of ['{ "model": "models/other" }', '{ "model": 1 }', "", "[]"]) {
    write(text);
    expect(await modelOfRecipe(recipe), text).toBeNull();
  }
  expect(await modelOfRecipe(join(folder, "none.discern.json"))).toBeNull();
});

test("a folder and the file in it are the same model, a folder whose name only begins so is not", () => {
  const folder = join("/models", "tiny");
  expect(isSameModel(folder, folder)).toBe(true);
  expect(isSameModel(folder, join(folder, "tiny.gguf"))).toBe(true);
  expect(isSameModel(folder, `${folder}-2`)).toBe(false);
});

test.each([
  ["HuggingFaceTB/SmolLM2-135M-Instruct", true],
  ["smollm2", false],
  ["a/b/c", false],
  ["../secret", false],
  ["a/b c", false],
])("%s is a name of the hub: %s", (name, is) => {
  expect(isHubName(name)).toBe(is);
});
