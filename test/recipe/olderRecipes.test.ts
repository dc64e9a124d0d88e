import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { executeRun, resumeRun, startRun } from "../../src/engine/run/execute.ts";
import { Stop } from "../../src/engine/run/stop.ts";
import type { RunEvent } from "../../src/protocol/events.ts";
import { checkRecipe, parseRecipe, readRecipe } from "../../src/recipe/recipeFile.ts";
import { readEvents } from "../../src/runFolder/eventLog.ts";
import { openRun, runPaths } from "../../src/runFolder/folder.ts";
import { tempFolder } from "../tempFolder.ts";
import { writeTinyModel } from "../tinyModel.ts";

/** The copy that version 0.1 wrote into a run folder, with circle, supcon and triplet. */
const file = join(import.meta.dirname, "version0.1.recipe.json");
const stored = await readFile(file, "utf8");

test("a recipe that version 0.1 stored is read, without the keys of other losses", () => {
  expect(stored).toContain('"mining": "all"');
  const { stages } = parseRecipe(stored, file);
  expect(stages.slice(0, 3).map((stage) => stage.type === "contrastive" && stage.loss)).toEqual([
    { type: "circle", form: "global", margin: 0.25, gamma: 16 },
    { type: "supcon", temperature: 0.2 },
    { type: "triplet", mining: "hard", margin: 0.25 },
  ]);
});

test("what is read of it is a recipe of today", () => {
  const recipe = parseRecipe(stored, file);
  expect(checkRecipe(recipe)).toEqual(recipe);
});

test("one key too many is no stored recipe, and is a fault", () => {
  const { stages, ...rest } = JSON.parse(stored);
  const { mining: _, ...loss } = stages[1].loss;
  const faults = readRecipe(JSON.stringify({ ...rest, stages: [{ ...stages[1], loss }] })).faults;
  expect(faults.map(({ path }) => path?.at(-1))).toEqual(["form", "margin", "gamma"]);
});

test("a run that version 0.1 computed with cuda is read as auto; today cuda is the torch backend's, and not onnx's", () => {
  const text = JSON.stringify({ ...JSON.parse(stored), device: "cuda" });
  expect(parseRecipe(text, file, { stored: true }).device).toBe("auto");
  expect(parseRecipe(text, file).device).toBe("cuda");
  const today = JSON.stringify({ ...JSON.parse(text), backend: "torch" });
  expect(parseRecipe(today, file, { stored: true }).device).toBe("cuda");
  const onnx = JSON.stringify({ ...JSON.parse(text), backend: "onnx" });
  expect(() => parseRecipe(onnx, file)).toThrow(/device: .*onnx backend does not compute on cuda/);
});

test("a key that no loss ever had is a fault of a stored recipe, too", () => {
  const { stages, ...rest } = JSON.parse(stored);
  const loss = { ...stages[1].loss, marge: 1 };
  const { faults } = readRecipe(JSON.stringify({ ...rest, stages: [{ ...stages[1], loss }] }));
  expect(faults.map(({ path }) => path?.at(-1))).toEqual(["marge"]);
});

test("a run whose recipe version 0.1 stored is resumed, and gives the losses of one that was not stopped", async () => {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const recipe = parseRecipe(stored, file);
  const whole = join(root, "whole");
  await startRun(recipe, root, { folder: whole, stop: new Stop() });
  const folder = join(root, "run");
  const stop = new Stop();
  const onEvent = (event: RunEvent) => event.type === "step" && event.globalStep === 4 && stop.request();
  expect(await startRun(recipe, root, { folder, stop, onEvent })).toBe("stopped");
  await writeFile(runPaths(folder).recipe, stored);
  expect((await openRun(folder)).recipe).toEqual(recipe);
  expect(await resumeRun({ folder, stop: new Stop() })).toBe("finished");
  const losses = (run: string) =>
    readEvents(runPaths(run).events).flatMap((event) => (event.type === "step" ? [event.loss] : []));
  expect(losses(folder)).toEqual(losses(whole));
  // The same recipe, not another: a finished run is left as it is.
  expect(await executeRun(recipe, root, true, { folder, stop: new Stop() })).toBe("finished");
});
