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
import { realModelPath } from "../../../realModel.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../../tinyModel.ts";

const skipped = skipWithoutTorch("a run in several processes of PyTorch, one of which is killed");
const mark = `DISCERN_TEST_RESUME=${process.pid}`;

/** How much is trained: enough for two checkpoints, the last one before the kill. */
const small = { maxTokens: 512, batchSize: 3, steps: 8, killedAt: 5 };
const models = [
  { name: "a tiny model", ...small, path: (root: string) => writeTinyModel(join(root, "model")) },
  { name: "SmolLM2-135M", maxTokens: 64, batchSize: 2, steps: 4, killedAt: 3, path: realModelPath },
];

describe.skipIf(skipped || process.platform !== "linux")("a run in two processes of PyTorch", () => {
  let root: string;
  beforeEach(() => {
    root = tempFolder();
    vi.stubEnv(...(mark.split("=") as [string, string]));
  });
  afterEach(async () => {
    await vi.waitFor(() => expect(livingWith(mark).filter(isLiving)).toEqual([]), { timeout: 15_000 });
    vi.unstubAllEnvs();
  });
  const recipeOf = (model: string, { maxTokens, steps, batchSize }: typeof small) =>
    recipeSchema.parse({
      name: "killed",
      model,
      backend: "torch",
      device: "cpu",
      threads: 1,
      torch: { python: testPython ?? "", processes: 2, dtype: "float32" },
      maxTokens,
      data: tinyData,
      stages: [{ type: "supervised", steps, batchSize }],
      probes: { every: steps, openings: ["I'm sorry"] },
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

  it.each(models)(
    "of $name ends when a rank is killed, saying so, and is resumed to the same losses",
    async ({ path, ...size }) => {
      const recipe = recipeOf(await path(root), size);
      const whole = join(root, "whole");
      expect(await startRun(recipe, root, { folder: whole, stop: new Stop() })).toBe("finished");

      const folder = join(root, "killed");
      const onEvent = (event: RunEvent) => {
        if (event.type === "step" && event.globalStep === size.killedAt)
          process.kill(rankOfHighestId(), "SIGKILL");
      };
      await expect(startRun(recipe, root, { folder, stop: new Stop(), onEvent })).rejects.toMatchObject({
        code: "worker-failed",
        message: expect.stringMatching(/Rank \d of the PyTorch worker ended without a word|was killed/),
      });
      expect(await resumeRun({ folder, stop: new Stop() })).toBe("finished");
      expect(losses(folder)).toEqual(losses(whole));
    },
  );
});
