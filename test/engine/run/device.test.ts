import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { comparisonDevice } from "../../../src/engine/abilities/comparisonDevice.ts";
import { Device } from "../../../src/engine/backend/onnx/runtime/device.ts";
import { executeRun, resumeRun, startRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { Plan } from "../../../src/protocol/cells.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { refuseChangesWithoutRecipe } from "../../../src/recipe/loadRecipe.ts";
import { openRun, runPaths } from "../../../src/runFolder/folder.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

const recipe = recipeSchema.parse({
  name: "tiny",
  model: "model",
  threads: 1,
  maxTokens: 512,
  data: tinyData,
  stages: [{ type: "supervised", steps: 1, batchSize: 4 }],
  probes: { openings: ["I'm sorry"] },
  evaluate: {
    before: false,
    suites: [{ name: "test", source: { file: "starter:pairs.csv", split: "test", limit: 4 } }],
  },
} satisfies RecipeInput);

let root: string;
let folder: string;
const events: RunEvent[] = [];
const resume = () => resumeRun({ folder, stop: new Stop() });
/** A run whose device is chosen, stopped before its first step. */
beforeEach(async () => {
  root = tempFolder();
  folder = join(root, "run");
  await writeTinyModel(join(root, "model"));
  events.length = 0;
  const stop = new Stop();
  const onEvent = (event: RunEvent) => {
    events.push(event);
    stop.request();
  };
  await startRun(recipe, root, { folder, stop, onEvent });
});

/** Has the run's files say that it began on another device, as another machine or version wrote them. */
async function beginOn(device: string, recipeDevice: string): Promise<void> {
  for (const [file, value] of [
    [runPaths(folder).manifest, device],
    [runPaths(folder).recipe, recipeDevice],
  ] as const) {
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), device: value }));
  }
}

/** Takes from the run's files what versions before the torch backend did not write. */
async function withoutBackend(): Promise<void> {
  for (const file of [runPaths(folder).manifest, runPaths(folder).recipe]) {
    const { backend: _, torch: __, memory: ___, ...older } = JSON.parse(await readFile(file, "utf8"));
    await writeFile(file, JSON.stringify(older));
  }
}

test("the default is auto; the choice and its reason are in the manifest and in the run's first event", async () => {
  expect(recipe.device).toBe("auto");
  const { manifest } = await openRun(folder);
  expect(manifest.deviceChoice).toMatchObject({
    device: manifest.device,
    reason: expect.stringMatching(/webgpu/),
  });
  expect(events[0]).toMatchObject({
    type: "run-started",
    device: manifest.device,
    deviceChoice: manifest.deviceChoice,
  });
});

test("a resumed run keeps its device, whatever auto would choose, and says so where it does not start", async ({
  skip,
}) => {
  await beginOn("webgpu", "auto");
  const started = await Device.open("webgpu").catch(() => null);
  skip(started !== null, "WebGPU starts on this machine");
  await expect(resume()).rejects.toMatchObject({
    code: "device-unavailable",
    message: expect.stringMatching(
      /began on webgpu and keeps.*did not start.*Resume it on a machine where webgpu starts/,
    ),
  });
});

test("a run of version 0.1 on cuda is read, and says that it cannot be resumed", async () => {
  await beginOn("cuda", "cuda");
  await withoutBackend();
  expect((await openRun(folder)).manifest.device).toBe("cuda");
  await expect(resume()).rejects.toMatchObject({
    code: "device-unavailable",
    message: expect.stringMatching(/began on the device "cuda", which this version does not have/),
  });
});

test("a run whose recipe names its device keeps it where it is resumed by one that says auto", async () => {
  await beginOn("cpu", "cpu");
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent) => events.push(event);
  const auto = { ...recipe, device: "auto" as const };
  expect(await executeRun(auto, root, true, { folder, stop: new Stop(), onEvent })).toBe("finished");
  const report = JSON.parse(await readFile(runPaths(folder).report, "utf8"));
  expect(report.run).toMatchObject({ device: "cpu", backend: { name: "onnx", dtype: "float32" } });
  expect(events.some(({ type }) => type === "warning")).toBe(false);
  expect(report.notes.join()).not.toMatch(/computed by/);
});

test("a run is moved only where another place is named; recipe, manifest, log and report then say so", async () => {
  await beginOn("webgpu", "webgpu");
  const log = runPaths(folder).events;
  await writeFile(log, (await readFile(log, "utf8")).replaceAll('"device":"cpu"', '"device":"webgpu"'));
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent) => events.push(event);
  expect(await resumeRun({ folder, stop: new Stop(), onEvent }, ["device=cpu"])).toBe("finished");
  const opened = await openRun(folder);
  expect(opened.manifest).toMatchObject({ device: "cpu", backend: { name: "onnx" } });
  expect(opened.recipe.device).toBe("cpu");
  expect(events[0]).toMatchObject({ type: "resumed", device: "cpu", backend: { name: "onnx" } });
  expect(events[1]).toMatchObject({
    type: "warning",
    message:
      "Resumed by onnx on cpu (float32); the run was computed by onnx on webgpu (float32) so far. Figures of the two agree to rounding only.",
  });
  const report = JSON.parse(await readFile(runPaths(folder).report, "utf8"));
  expect(report.notes.join("\n")).toMatch(
    /computed by onnx on webgpu \(float32\), from step 0 by onnx on cpu/,
  );
});

test("a run that is resumed by its own recipe takes no other changes than where it is computed", async () => {
  const changes = { set: ["backend=onnx", "torch.processes=2", "seed=3"], stlAlone: false };
  expect(() => refuseChangesWithoutRecipe(undefined, changes, false)).toThrow(/: --set seed=3 would have no/);
  const place = { ...changes, set: ["backend=torch"] };
  expect(() => refuseChangesWithoutRecipe(undefined, place, false)).not.toThrow();
  expect(() => refuseChangesWithoutRecipe(undefined, place, true)).toThrow(/Runs that are compared/);
});

/** A comparison whose first run is the one that was begun. */
const plan = (device: "auto" | "cpu" = "auto"): Plan => ({
  version: 2,
  name: "c",
  created: new Date().toISOString(),
  root,
  cells: ["run", "later"].map((name) => {
    return { id: name, name, method: name, seed: 0, recipe: { ...recipe, device }, needs: [] };
  }),
});

test("the runs of a comparison share what auto stands for: the device of the first that began, else one measurement", async () => {
  expect(await comparisonDevice(plan("cpu"), root)).toBeNull();
  expect(await comparisonDevice(plan(), tempFolder())).toEqual((await openRun(folder)).manifest.deviceChoice);
  await beginOn("webgpu", "auto");
  expect(await comparisonDevice(plan(), root)).toMatchObject({ device: "webgpu" });
});

test("a run that begins for a comparison takes its device, and its manifest says why", async () => {
  const stop = new Stop();
  const deviceChoice = { backend: "onnx", device: "cpu", reason: "measured for all runs" } as const;
  const later = join(root, "later");
  await startRun(recipe, root, { folder: later, stop, deviceChoice, onEvent: () => stop.request() });
  expect((await openRun(later)).manifest).toMatchObject({ device: "cpu", deviceChoice });
});
