import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { measureProbe, planProbe, runStates } from "../../src/engine/abilities/probe.ts";
import { startRun } from "../../src/engine/run/execute.ts";
import { Stop } from "../../src/engine/run/stop.ts";
import { probeRequestSchema } from "../../src/protocol/probe/request.ts";
import { recipeSchema } from "../../src/protocol/recipe.ts";
import { writeProbeCsv } from "../../src/runFolder/probeFile.ts";
import { tempFolder } from "../tempFolder.ts";
import { tinyData, writeTinyModel } from "../tinyModel.ts";

it("plans and measures a probe on a model and on states of a run; what is cancelled leaves nothing, and nothing is overwritten", async () => {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const folder = join(root, "run");
  const train = { method: "lora", rank: 2 } as const;
  const recipe = recipeSchema.parse({
    ...{ name: "tiny", model: "model", device: "cpu", threads: 1, maxTokens: 512, data: tinyData },
    stages: [{ type: "supervised", steps: 2, batchSize: 4, train }],
    probes: { every: 10, openings: ["I", "S"] },
    evaluate: { suites: [], before: false },
    states: { every: 1 },
  });
  expect(await startRun(recipe, root, { folder, stop: new Stop() })).toBe("finished");
  expect((await runStates(folder)).map(({ name }) => name)).toEqual([
    "untrained",
    "stage-0-step-1",
    "stage-0",
  ]);
  const asked = (changes: object) =>
    probeRequestSchema.parse({
      ...{ probe: "refusal", root, subject: { kind: "run", folder: "run" } },
      ...changes,
    });

  const plan = await planProbe(asked({}));
  expect(plan).toMatchObject({
    states: ["untrained", "stage-0"],
    groups: { toxic: 4, seemingly_toxic: 4, general: 4 },
    options: { permutations: 1000 },
  });
  expect(plan.plan.forwardPasses).toBe(24);
  expect(plan.seconds).toBeGreaterThan(0);
  await expect(planProbe(asked({ options: { permutations: 0 } }))).rejects.toThrow(/permutations/);
  await expect(
    planProbe(asked({ subject: { kind: "run", folder: "run", states: ["stage-3"] } })),
  ).rejects.toThrow(/no state "stage-3".*stage-0-step-1/s);
  await expect(
    planProbe(asked({ probe: "influence", subject: { kind: "run", folder: "run", states: ["stage-0"] } })),
  ).rejects.toThrow(/two or more states/);

  const cancelled = new AbortController();
  const onProgress = () => cancelled.abort(new Error("cancelled"));
  await expect(measureProbe(asked({}), undefined, { onProgress, signal: cancelled.signal })).rejects.toThrow(
    "cancelled",
  );
  expect(existsSync(join(folder, "probes"))).toBe(false);

  const { file, result } = await measureProbe(asked({}), undefined);
  expect(readdirSync(join(folder, "probes"))).toEqual(["refusal-untrained-stage-0.probe.json"]);
  expect(result.run).toEqual({ name: "tiny", seed: 0 });
  expect(result.cost).toMatchObject(plan.plan);
  expect(result.prompts).toHaveLength(12);
  await expect(measureProbe(asked({}), file)).rejects.toThrow(/never overwritten/);
  const [csv] = await writeProbeCsv(join(root, "csv"), file, result);
  expect((await readFile(csv!, "utf8")).split("\r\n")).toHaveLength(1 + 24 + 1);

  const model = { kind: "model", model: join(root, "model"), device: "cpu", threads: 1 };
  await expect(planProbe(asked({ subject: model }))).rejects.toThrow(/no monitored prompts/);
  const prompts = [{ file: "starter:pairs.csv", split: "panel", limit: 4 }];
  const alone = await measureProbe(asked({ subject: model, prompts }), "one.probe.json");
  expect(alone.file).toBe(join(root, "one.probe.json"));
  expect(alone.result.states.map(({ name }) => name)).toEqual(["model"]);
  expect(alone.result.run).toBeNull();
});
