import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { openBackend } from "../../../src/engine/backend/open.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { startRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { RunEvent, RunEventOf } from "../../../src/protocol/events.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { runPaths } from "../../../src/runFolder/folder.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

const input = {
  name: "tiny",
  model: "model",
  device: "cpu",
  threads: 1,
  maxTokens: 512,
  data: { ...tinyData, contrast: [{ file: "starter:pairs.csv", split: "train", limit: 24 }] },
  stages: [
    { type: "contrastive", layer: 2, steps: 2, sampler: { batch: 8 }, retention: { batch: 2 } },
    { type: "supervised", steps: 2, batchSize: 4 },
  ],
  probes: { openings: ["I'm sorry"] },
  evaluate: {
    before: false,
    suites: [{ name: "test", source: { file: "starter:pairs.csv", split: "test", limit: 4 } }],
    maxNewTokens: 3,
  },
} satisfies RecipeInput;

const of = <T extends RunEvent["type"]>(events: readonly RunEvent[], type: T) =>
  events.filter((event): event is RunEventOf<T> => event.type === type);

test("a run that streams its model states that before it starts, and finds what one that keeps it finds", async () => {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const found = [];
  for (const memory of ["auto", "stream"] as const) {
    const folder = join(root, memory);
    await startRun(recipeSchema.parse({ ...input, memory }), root, { folder, stop: new Stop() });
    found.push({ folder, events: readEvents(runPaths(folder).events) });
  }
  const plans = found.map(({ events }) => of(events, "run-started")[0]!.memoryPlan!);
  expect(plans.map(({ mode }) => mode)).toEqual(["keep", "stream"]);
  expect(plans[1]!.text).toMatch(/^Weights are read block by block/);
  const manifest = JSON.parse(await readFile(runPaths(found[1]!.folder).manifest, "utf8"));
  expect(manifest.memoryPlan).toEqual(plans[1]);
  const [kept, streamed] = found.map(({ events }) => ({
    losses: of(events, "step").map(({ loss }) => loss!),
    probes: of(events, "probe").flatMap(({ toxic }) => toxic.perPrompt as number[]),
  }));
  expect(streamed!.losses.length).toBe(4);
  for (const [i, loss] of kept!.losses.entries()) expect(streamed!.losses[i]).toBeCloseTo(loss, 4);
  for (const [i, p] of kept!.probes.entries()) expect(streamed!.probes[i]).toBeCloseTo(p, 5);
});

test("a model that cannot fit is refused before its weights are read, with what would fit", async () => {
  const root = tempFolder();
  const model = await writeTinyModel(join(root, "model"));
  const recipe = recipeSchema.parse({ ...input, memory: "keep" });
  const onProgress = vi.fn();
  const opened = openBackend(
    { device: "cpu", threads: 1, memory: "keep", recipe, availableMemory: 1e6, onProgress },
    await loadModel(model),
  );
  await expect(opened).rejects.toMatchObject({
    code: "out-of-memory",
    message: expect.stringMatching(/needs about \d+ MB of memory by this recipe, and 1 MB is free/),
  });
  expect(onProgress).not.toHaveBeenCalled();
});
