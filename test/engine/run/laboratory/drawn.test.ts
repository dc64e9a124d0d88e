import { join } from "node:path";
import { expect, it } from "vitest";
import type { TrainingRow } from "../../../../src/engine/probe/definition.ts";
import { startRun } from "../../../../src/engine/run/execute.ts";
import { drawnTraining } from "../../../../src/engine/run/laboratory/drawn.ts";
import { readRunPrompts } from "../../../../src/engine/run/prompts.ts";
import { runTokens } from "../../../../src/engine/run/runTokens.ts";
import { Stop } from "../../../../src/engine/run/stop.ts";
import { openSession } from "../../../../src/engine/session/session.ts";
import { recipeSchema } from "../../../../src/protocol/recipe.ts";
import { timeline } from "../../../../src/protocol/timeline.ts";
import { readEvents } from "../../../../src/runFolder/eventLog.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../../tinyModel.ts";

const input = {
  name: "drawn",
  model: "model",
  device: "cpu",
  threads: 1,
  data: tinyData,
  stages: [
    {
      type: "supervised",
      steps: 3,
      batchSize: 3,
      accumulate: 2,
      safetyRatio: 0.4,
      train: { method: "lora", rank: 2 },
      optimiser: { warmup: 2, clip: 0.1 },
    },
  ],
  probes: { every: 20, openings: ["I cannot"] },
  evaluate: { suites: [], before: false },
  checkpoint: { best: false },
} as const;

it("draws again what each step of a run drew: the losses of the pairs are the loss in the log", async () => {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const recipe = recipeSchema.parse(input);
  const folder = join(root, "run");
  expect(await startRun(recipe, root, { folder, stop: new Stop() })).toBe("finished");
  const events = readEvents(join(folder, "events.jsonl"));
  await using session = await openSession({ ...recipe, model: "model", root });
  const prompts = await readRunPrompts(recipe, root, [], new Stop());
  const { general, safety } = await runTokens(session, recipe, prompts, 1);
  const rows = [...safety.map((each) => [each, "safety"]), ...general.map((each) => [each, "general"])];
  const training = rows.map(([example, part]) => ({ example, part }) as TrainingRow);
  const { steps, trains, seed } = drawnTraining(recipe, training, events);
  expect([...trains.keys()]).toEqual([0]);
  expect(seed).toBe(recipe.seed);
  const told = timeline(events).steps;
  expect(steps.map(({ globalStep, stage }) => [globalStep, stage])).toEqual(
    [0, 1, 2].map((step) => [step, 0]),
  );
  for (const [i, { rate, pairs }] of steps.entries()) {
    const { learningRate, gradientNorm } = told[i]!;
    expect(rate).toBeCloseTo(learningRate! * Math.min(1, 0.1 / gradientNorm!), 6);
    expect(pairs).toHaveLength(6);
  }
  // 0.4 of 18 pairs are safety pairs, to half a pair.
  expect(steps.flatMap(({ pairs }) => pairs).filter((i) => training[i]!.part === "safety")).toHaveLength(7);
  // The first step found the model as it is opened here.
  const { weight, pairs } = steps[0]!;
  const losses = await session.backend.losses(pairs.map((i) => training[i]!.example));
  expect(losses.reduce((sum, { loss }) => sum + weight * loss, 0)).toBeCloseTo(told[0]!.loss!, 4);
});
