import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type BackendOptions, openBackend } from "../../../../src/engine/backend/open.ts";
import { loadModel } from "../../../../src/engine/model/load.ts";
import { startRun } from "../../../../src/engine/run/execute.ts";
import { Stop } from "../../../../src/engine/run/stop.ts";
import { torchSchema } from "../../../../src/protocol/backend.ts";
import { recipeSchema } from "../../../../src/protocol/recipe.ts";
import { usableShare } from "../../../../src/recipe/memoryPlan.ts";
import { readEvents } from "../../../../src/runFolder/eventLog.ts";
import { runPaths } from "../../../../src/runFolder/folder.ts";
import { skipWithoutTorch, testPython } from "../../../python.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../../tinyModel.ts";

describe.skipIf(skipWithoutTorch("memory plans of PyTorch"))("memory on PyTorch", () => {
  const torch = torchSchema.parse({ python: testPython ?? "", dtype: "float32" });
  const recipe = recipeSchema.parse({
    name: "tiny",
    model: "model",
    backend: "torch",
    device: "cpu",
    threads: 1,
    torch,
    maxTokens: 512,
    data: tinyData,
    stages: [{ type: "supervised", steps: 1, batchSize: 8 }],
    probes: { openings: ["I'm sorry"] },
    // So little that the step takes most.
    evaluate: { suites: [], before: false, batchSize: 1, maxNewTokens: 1 },
  });
  const opened = async (options: Partial<BackendOptions>) => {
    const model = await loadModel(await writeTinyModel(join(tempFolder(), "model")));
    return openBackend({ backend: "torch", device: "cpu", threads: 1, torch, recipe, ...options }, model);
  };

  it("is planned and stated before a run starts, and stored with it", async () => {
    const root = tempFolder();
    await writeTinyModel(join(root, "model"));
    const folder = join(root, "run");
    await startRun(recipe, root, { folder, stop: new Stop() });
    const [started] = readEvents(runPaths(folder).events);
    const { memoryPlan } = JSON.parse(readFileSync(runPaths(folder).manifest, "utf8"));
    expect(started).toMatchObject({ type: "run-started", memoryPlan });
    expect(memoryPlan).toMatchObject({ mode: "keep", dtype: "float32", processes: 1 });
    expect(memoryPlan.peakBytes).toBeGreaterThan(5e8);
    expect(memoryPlan.text).toMatch(/^Weights as float32 .* stay in memory\. Estimated peak: \d+/);
  });

  it("that does not suffice to keep activations has blocks computed anew", async () => {
    const kept = await opened({});
    await kept.backend.dispose();
    // Room for a byte less than what all would take.
    const availableMemory = (kept.memoryPlan.peakBytes - 1) / usableShare;
    const anew = await opened({ availableMemory });
    await anew.backend.dispose();
    expect([kept, anew].map(({ memoryPlan: { mode } }) => mode)).toEqual(["keep", "recompute"]);
    await expect(opened({ availableMemory, memory: "keep" })).rejects.toMatchObject({
      code: "out-of-memory",
      message: expect.stringContaining('memory: "recompute"'),
    });
  });

  it("of weights in shares is refused to a stage that trains the weights, before a process is started", async () => {
    const onStatus = vi.fn();
    const [stage] = recipe.stages;
    const full = recipeSchema.parse({ ...recipe, stages: [{ ...stage, train: { method: "full" } }] });
    const shares = { ...torch, processes: 2, shard: "shard" } as const;
    await expect(opened({ recipe: full, torch: shares, onStatus })).rejects.toMatchObject({
      code: "recipe-invalid",
      message: expect.stringMatching(/does not run on weights in shares .* torch\.shard: "replicate"/),
    });
    expect(onStatus).not.toHaveBeenCalled();
  });

  it("that nothing fits ends a run before a process is started", async () => {
    const onStatus = vi.fn();
    await expect(opened({ availableMemory: 1e6, onStatus })).rejects.toMatchObject({
      code: "out-of-memory",
      message: expect.stringMatching(
        /needs about \d\.\d GB of memory with PyTorch by this recipe, and 1 MB is free/,
      ),
    });
    expect(onStatus).not.toHaveBeenCalled();
  });
});
