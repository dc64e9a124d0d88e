import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { resumeRun, startRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import type { DeviceChoice } from "../../../src/protocol/device.ts";
import type { RunEvent } from "../../../src/protocol/events.ts";
import { type RecipeInput, recipeSchema } from "../../../src/protocol/recipe.ts";
import { timeline } from "../../../src/protocol/timeline.ts";
import { readEvents } from "../../../src/runFolder/eventLog.ts";
import { openRun, runPaths } from "../../../src/runFolder/folder.ts";
import { skipWithoutTorch, testPython } from "../../python.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

/** A contrast and safety tuning, of which the first finishes and the second is cut off in its middle. */
const recipe = (changes: Partial<RecipeInput>) =>
  recipeSchema.parse({
    name: "tiny",
    model: "model",
    device: "cpu",
    threads: 1,
    maxTokens: 384,
    torch: { python: testPython ?? undefined, dtype: "float32" },
    data: tinyData,
    stages: [
      {
        type: "contrastive",
        layer: 2,
        steps: 2,
        sampler: { batch: 4, twins: false },
        retention: { batch: 2 },
      },
      { type: "supervised", steps: 6, batchSize: 4 },
    ],
    probes: { openings: ["I'm sorry"] },
    evaluate: {
      before: false,
      suites: [{ name: "test", source: { file: "starter:pairs.csv", split: "test", limit: 4 } }],
      maxNewTokens: 4,
    },
    ...changes,
  } satisfies RecipeInput);

const stepsOf = (folder: string) =>
  timeline(readEvents(runPaths(folder).events)).steps.map(({ loss, gradientNorm }) => [loss, gradientNorm]);

/** Runs a recipe, stops it after so many steps of all stages, and resumes it with changes of its place. */
async function moved(root: string, backend: "onnx" | "torch", set: readonly string[], stopAfter = 5) {
  const folder = join(root, `from-${backend}`);
  const stop = new Stop();
  const onEvent = (event: RunEvent) => {
    if (event.type === "step" && event.globalStep === stopAfter) stop.request();
  };
  expect(await startRun(recipe({ backend }), root, { folder, stop, onEvent })).toBe("stopped");
  expect(await resumeRun({ folder, stop: new Stop() }, set)).toBe("finished");
  return folder;
}

describe.skipIf(skipWithoutTorch("runs that are resumed by the other backend"))(
  "a run",
  { timeout: 300_000 },
  () => {
    test("is resumed by the other backend, either way, with the losses of one backend, and its report says so", async () => {
      const root = tempFolder();
      await writeTinyModel(join(root, "model"));
      const whole = join(root, "whole");
      await startRun(recipe({ backend: "onnx" }), root, { folder: whole, stop: new Stop() });
      const expected = stepsOf(whole);
      expect(expected).toHaveLength(8);
      for (const [from, to] of [
        ["onnx", "torch"],
        ["torch", "onnx"],
      ] as const) {
        const folder = await moved(root, from, [`backend=${to}`]);
        for (const [i, figures] of stepsOf(folder).entries())
          for (const [j, value] of figures.entries())
            expect(Math.abs(value! / expected[i]![j]! - 1), `${from}, step ${i}`).toBeLessThan(2e-3);
        const { manifest, recipe: stored } = await openRun(folder);
        expect(manifest.backend).toMatchObject({ name: to, dtype: "float32", processes: 1 });
        expect(manifest.backend?.python === undefined).toBe(to === "onnx");
        expect(stored.backend).toBe(to);
        const report = JSON.parse(await readFile(runPaths(folder).report, "utf8"));
        expect(report.run.backend.name).toBe(to);
        expect(report.notes.join("\n")).toContain(
          `The run was computed by ${from} on cpu (float32), from step 5 by ${to} on cpu (float32).`,
        );
      }
    });

    test("keeps its backend where nothing is named, and what was measured with it", async () => {
      const root = tempFolder();
      await writeTinyModel(join(root, "model"));
      const folder = join(root, "run");
      const stop = new Stop();
      const deviceChoice: DeviceChoice = {
        ...{ backend: "torch", device: "cpu", python: testPython! },
        ...{ reason: "it was the fastest", dtype: "bfloat16", compile: false },
      };
      const auto = recipe({ backend: "auto", device: "auto", torch: {} });
      await startRun(auto, root, { folder, stop, deviceChoice, onEvent: () => stop.request() });
      expect((await openRun(folder)).manifest).toMatchObject({
        ...{ device: "cpu", deviceChoice },
        backend: { name: "torch", dtype: "bfloat16", python: { path: testPython } },
      });
      expect(await resumeRun({ folder, stop: new Stop() })).toBe("finished");
      const { manifest } = await openRun(folder);
      expect(manifest.backend).toMatchObject({ name: "torch", dtype: "bfloat16" });
      expect(manifest.deviceChoice).toEqual(deviceChoice);
      const report = JSON.parse(await readFile(runPaths(folder).report, "utf8"));
      expect(report.notes.join()).not.toMatch(/was computed by/);
      expect(report.run.costs.map(({ part }: { part: string }) => part)).toContain("supervised");
    });
  },
);
