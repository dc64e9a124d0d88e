import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { resumeRun, startRun } from "../../../../src/engine/run/execute.ts";
import { Stop } from "../../../../src/engine/run/stop.ts";
import type { RunEvent } from "../../../../src/protocol/events.ts";
import { recipeSchema } from "../../../../src/protocol/recipe.ts";
import { timeline } from "../../../../src/protocol/timeline.ts";
import { readEvents } from "../../../../src/runFolder/eventLog.ts";
import { isLiving, livingWith } from "../../../living.ts";
import { skipWithoutTorch, testPython } from "../../../python.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../../tinyModel.ts";

const skipped = skipWithoutTorch("a run in several processes of PyTorch, one of which is killed");
const mark = `DISCERN_TEST_RESUME=${process.pid}`;

describe.skipIf(skipped || process.platform !== "linux")("a run in two processes of PyTorch", () => {
  let root: string;
  beforeEach(async () => {
    root = tempFolder();
    await writeTinyModel(join(root, "model"));
    vi.stubEnv(...(mark.split("=") as [string, string]));
  });
  afterEach(async () => {
    await vi.waitFor(() => expect(livingWith(mark).filter(isLiving)).toEqual([]), { timeout: 15_000 });
    vi.unstubAllEnvs();
  });
  const recipe = recipeSchema.parse({
    name: "tiny",
    model: "model",
    backend: "torch",
    device: "cpu",
    threads: 1,
    torch: { python: testPython ?? "", processes: 2 },
    maxTokens: 512,
    data: tinyData,
    stages: [{ type: "supervised", steps: 8, batchSize: 3 }],
    probes: { every: 8, openings: ["I'm sorry"] },
    checkpoint: { every: 2 },
    evaluate: { suites: [], before: false },
  });
  const losses = (folder: string) =>
    timeline(readEvents(join(folder, "events.jsonl"))).steps.map(({ loss }) => loss);
  const rankOfHighestId = () =>
    livingWith(mark)
      .filter((pid) => {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return command.includes("worker") && !command.includes("worker.agent");
      })
      .sort((a, b) => a - b)
      .at(-1)!;

  it("ends when a rank is killed, saying so, and is resumed to the same losses", {
    timeout: 240_000,
  }, async () => {
    const whole = join(root, "whole");
    expect(await startRun(recipe, root, { folder: whole, stop: new Stop() })).toBe("finished");

    const folder = join(root, "killed");
    const onEvent = (event: RunEvent) => {
      if (event.type === "step" && event.globalStep === 5) process.kill(rankOfHighestId(), "SIGKILL");
    };
    await expect(startRun(recipe, root, { folder, stop: new Stop(), onEvent })).rejects.toMatchObject({
      code: "worker-failed",
      message: expect.stringMatching(/Rank \d of the PyTorch worker ended without a word|was killed/),
    });
    expect(await resumeRun({ folder, stop: new Stop() })).toBe("finished");
    expect(losses(folder)).toEqual(losses(whole));
  });
});
