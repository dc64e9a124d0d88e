import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { judgedReport } from "../../../src/engine/abilities/judged.ts";
import { planProbe } from "../../../src/engine/abilities/probe.ts";
import { resumeRun, startRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { readPanels } from "../../../src/extension/dashboard/panelPrompts.ts";
import type { Plan } from "../../../src/protocol/cells.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { probeRequestSchema } from "../../../src/protocol/probe/request.ts";
import { type Recipe, recipeSchema } from "../../../src/protocol/recipe.ts";
import { readPlan, writePlan } from "../../../src/runFolder/comparison.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { openRun, runPaths } from "../../../src/runFolder/folder.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

const starter = join(import.meta.dirname, "../../../datasets/starter");

let above: string;
let before: string;
let after: string;
beforeEach(async () => {
  above = tempFolder();
  before = join(above, "before");
  after = join(above, "further/after");
  await mkdir(join(above, "further"));
  await mkdir(join(before, "prompts"), { recursive: true });
  await copyFile(join(starter, "pairs.csv"), join(before, "prompts/pairs.csv"));
  await copyFile(join(starter, "safety.jsonl"), join(before, "prompts/safety.jsonl"));
  await writeTinyModel(join(before, "models/tiny"));
});

/** A recipe that lies in a folder of the workspace, and names one file from there and one by its path on this machine. */
function recipe(): Recipe {
  const pairs = { file: "../prompts/pairs.csv" };
  return recipeSchema.parse({
    ...{ name: "moved", model: "../models/tiny", device: "cpu", threads: 1, maxTokens: 320 },
    data: {
      ...tinyData,
      safety: [{ file: join(before, "prompts/safety.jsonl"), split: "train", limit: 8 }],
      panels: { ...tinyData.panels, toxic: { ...pairs, split: "panel", labels: ["toxic"], limit: 4 } },
    },
    stages: [{ type: "supervised", steps: 6, batchSize: 2 }],
    evaluate: {
      suites: [{ name: "own", source: { ...pairs, split: "test", limit: 4 } }],
      maxNewTokens: 2,
      before: false,
    },
    checkpoint: { every: 2 },
  });
}

/** Runs it in the workspace until a step. */
async function begin(until: number | null): Promise<void> {
  const stop = new Stop();
  const onEvent = (event: RunEvent) => {
    if (event.type === "step" && event.globalStep === until) stop.request();
  };
  await mkdir(join(before, "recipes"), { recursive: true });
  const folder = join(before, "runs/moved");
  expect(await startRun(recipe(), join(before, "recipes"), { folder, stop, onEvent })).toBe(
    until === null ? "finished" : "stopped",
  );
}
const losses = (folder: string) =>
  readEvents(runPaths(folder).events).flatMap((event) => (event.type === "step" ? event.loss : []));

test("a run whose workspace was moved is resumed to the same result, and everything that reads its files finds them", async () => {
  await begin(null);
  const whole = losses(join(before, "runs/moved"));
  await rm(join(before, "runs"), { recursive: true });
  await begin(3);
  await rename(before, after);
  const folder = join(after, "runs/moved");
  expect(await resumeRun({ folder, stop: new Stop() })).toBe("finished");
  expect([...new Set(losses(folder))]).toEqual([...new Set(whole)]);

  const { recipe: read, manifest } = await openRun(folder);
  expect(manifest.recipe.root).toBe(join(after, "recipes"));
  expect(manifest.model.path).toBe(join(after, "models/tiny"));
  expect(read.data.safety[0]!.file).toBe(join(after, "prompts/safety.jsonl"));
  const { toxic } = await readPanels(folder, starter);
  expect(toxic.map(({ path }) => path)).toContain(join(after, "prompts/pairs.csv"));
  expect((await judgedReport(folder)).answers[0]!.results).toHaveLength(4);
  const asked = { probe: "refusal", root: after, subject: { kind: "run", folder } };
  expect(await planProbe(probeRequestSchema.parse(asked))).toMatchObject({ groups: { toxic: 4 } });
});

test("a run of an older version, which does not say where it lay, is found by the files that it read", async () => {
  await begin(3);
  const file = join(before, "runs/moved/manifest.json");
  const manifest = JSON.parse(await readFile(file, "utf8"));
  expect(manifest.recipe).toEqual({ root: join(before, "recipes"), fromHere: "../../recipes" });
  delete manifest.recipe.fromHere;
  await writeFile(file, JSON.stringify(manifest));
  await rename(before, after);
  const folder = join(after, "runs/moved");
  expect((await openRun(folder)).manifest.recipe.root).toBe(join(after, "recipes"));
  expect(await resumeRun({ folder, stop: new Stop() })).toBe("finished");
});

test("a run that was moved alone says which file is missing, where its paths began, and what to do", async () => {
  await begin(3);
  const folder = join(above, "further/moved");
  await rename(join(before, "runs/moved"), folder);
  await rename(before, join(above, "gone"));
  const failed = resumeRun({ folder, stop: new Stop() });
  await expect(failed).rejects.toThrow(/There is no prompt file .*prompts.pairs\.csv/s);
  await expect(failed).rejects.toThrow(
    /relative to .*before.recipes, which is not there any more\. Put that folder back/,
  );
});

test("a model is found in the models home of another machine, and only if its files are the same", async () => {
  await begin(3);
  const home = join(above, "home");
  const folder = join(before, "runs/moved");
  await mkdir(home);
  await rename(join(before, "models/tiny"), join(home, "tiny"));
  const recipeFile = join(folder, "recipe.json");
  await writeFile(recipeFile, (await readFile(recipeFile, "utf8")).replaceAll("../models/tiny", "tiny"));
  const models = process.env.DISCERN_MODELS;
  process.env.DISCERN_MODELS = home;
  try {
    expect((await openRun(folder)).manifest.model.path).toBe(join(home, "tiny"));
    await rename(join(home, "tiny"), join(home, "own"));
    await writeTinyModel(join(home, "tiny"), 1);
    await expect(resumeRun({ folder, stop: new Stop() })).rejects.toThrow(
      /model\.safetensors has changed since/,
    );
    await rm(join(home, "tiny"), { recursive: true });
    await rename(join(home, "own"), join(home, "tiny"));
    expect(await resumeRun({ folder, stop: new Stop() })).toBe("finished");
  } finally {
    if (models === undefined) delete process.env.DISCERN_MODELS;
    else process.env.DISCERN_MODELS = models;
  }
});

test("the plan of a comparison that was moved with its workspace names what lies there", async () => {
  const folder = join(before, "runs/compared");
  await mkdir(join(before, "recipes"), { recursive: true });
  await mkdir(folder, { recursive: true });
  const cells = [{ id: "a", name: "a-0", method: "a", seed: 0, needs: [], recipe: recipe() }];
  const plan: Plan = {
    version: 2,
    name: "c",
    created: new Date().toISOString(),
    root: join(before, "recipes"),
    cells,
  };
  await writePlan(folder, plan);
  expect(await readPlan(folder)).toEqual(plan);
  await rename(before, after);
  const read = await readPlan(join(after, "runs/compared"));
  expect(read.root).toBe(join(after, "recipes"));
  expect(read.cells[0]!.recipe.data.safety[0]!.file).toBe(join(after, "prompts/safety.jsonl"));
});
