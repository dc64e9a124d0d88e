import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { preparedProbe } from "../../../../src/engine/abilities/probeSubject.ts";
import type { DrawnStep, ProbeDefinition } from "../../../../src/engine/probe/definition.ts";
import { direction } from "../../../../src/engine/probe/direction/direction.ts";
import { influence } from "../../../../src/engine/probe/influence/influence.ts";
import { logProbabilities, preferenceLoss } from "../../../../src/engine/probe/preferenceLoss.ts";
import { startRun } from "../../../../src/engine/run/execute.ts";
import { drawnTraining } from "../../../../src/engine/run/laboratory/drawn.ts";
import { measure, questionOf } from "../../../../src/engine/run/laboratory/measure.ts";
import { probePromptsOf, probeRows } from "../../../../src/engine/run/laboratory/rows.ts";
import { openState } from "../../../../src/engine/run/openState.ts";
import { readRunPrompts } from "../../../../src/engine/run/prompts.ts";
import { listStates } from "../../../../src/engine/run/states.ts";
import { Stop } from "../../../../src/engine/run/stop.ts";
import { openSession } from "../../../../src/engine/session/session.ts";
import { directionContract } from "../../../../src/protocol/probe/direction.ts";
import { influenceContract } from "../../../../src/protocol/probe/influence.ts";
import { probeRequestSchema } from "../../../../src/protocol/probe/request.ts";
import { recipeSchema } from "../../../../src/protocol/recipe.ts";
import { timeline } from "../../../../src/protocol/timeline.ts";
import { readEvents } from "../../../../src/runFolder/eventLog.ts";
import { openRun, runPaths } from "../../../../src/runFolder/folder.ts";
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
  // The model reads bytes and was trained on nothing: a refusal is a letter.
  probes: { every: 20, openings: ["I"] },
  states: { every: 2 },
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
  const prompts = probePromptsOf(recipe, await readRunPrompts(recipe, root, [], new Stop()));
  await using session = await openSession({ ...recipe, model: "model", root });
  const limits = { contextLength: 512, maxTokens: recipe.maxTokens, tooLong: recipe.tooLong };
  const rows = await probeRows(influenceContract, session.encoder, prompts, limits);
  const { training } = rows;
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

  const record = await openRun(folder);
  const states = await listStates(folder, 1);
  expect(states.map(({ name }) => name)).toEqual(["untrained", "stage-0-step-2", "stage-0"]);
  const head = { model: { name: "tiny", path: "model", adapters: [] }, run: null, template: "chat" as const };
  const ask = async (probe: ProbeDefinition, options: Record<string, unknown>) => {
    const asked = { options: probe.contract.options.parse(options), seed: 0, states, contrastLayer: null };
    const question = {
      ...questionOf(session.loaded, rows, asked),
      drawn: drawnTraining(recipe, training, events),
    };
    const { figures } = await measure(probe, question, { ...head, chat: recipe.chat, openings: ["I"] }, [], {
      open: (state) => openState(record, state),
      releases: true,
      judging: { root, threads: 1 },
      check: () => undefined,
    });
    // NaN travels as null.
    return JSON.parse(JSON.stringify(figures));
  };
  const found = influenceContract.figures.parse(await ask(influence, { controls: 1, shuffled: 2 }));
  expect(found.intervals.map(({ steps: count }) => count)).toEqual([2, 1]);
  expect(found.intervals[0]!.rate).toBeCloseTo(steps[0]!.rate + steps[1]!.rate, 9);
  expect(found.targets[0]!.byPart.reduce((sum, part) => sum + part.drawn, 0)).toBe(18);
  // What AdamW did between two states follows from ∇RS·Δθ, with Δθ as it was.
  const options = { training: 1, perGroup: 2, sizes: [0.01], swapped: 0, randomDirections: 0 };
  const { strides } = directionContract.figures.parse(await ask(direction, options));
  expect(strides.map(({ from, to }) => [from, to])).toEqual(
    states.slice(1).map(({ name }, i) => [states[i]!.name, name]),
  );
  for (const { agreement, measured } of strides) {
    expect(measured.some((change) => Math.abs(change!) > 1e-3)).toBe(true);
    expect(agreement[0]!.asPredicted!).toBeGreaterThan(0.95);
  }
});

it("draws made answers and preference pairs again, too", async () => {
  const root = tempFolder();
  await writeTinyModel(join(root, "model"));
  const pairs = { file: "starter:pairs.csv", split: "train", limit: 12 };
  const train = { method: "lora", rank: 4 } as const;
  const optimiser = { learningRate: 2e-2, warmup: 2 };
  const recipe = recipeSchema.parse({
    ...input,
    data: {
      ...tinyData,
      safety: [{ ...pairs, labels: ["toxic"], answer: "No." }],
      helpful: [{ ...pairs, labels: ["seemingly_toxic"] }],
      helpfulAnswers: { type: "self-distilled", samples: 8, maxNewTokens: 48 },
    },
    stages: [
      { type: "supervised", steps: 2, batchSize: 8, helpfulRatio: 0.25, train, optimiser },
      // Teaches one refusal for every prompt, so that there is something to prefer.
      { type: "supervised", steps: 30, batchSize: 4, safetyRatio: 1, train, optimiser },
      { type: "preference", steps: 3, batchSize: 2, maxNewTokens: 12, train, optimiser },
    ],
    states: { every: 2 },
  });
  const folder = join(root, "run");
  expect(await startRun(recipe, root, { folder, stop: new Stop() })).toBe("finished");
  const subject = { kind: "run", folder, states: ["untrained", "stage-0", "stage-1", "stage-2"] } as const;
  const { question } = await preparedProbe(probeRequestSchema.parse({ probe: "influence", root, subject }));
  const { training, drawn } = question;
  const told = timeline(readEvents(join(folder, "events.jsonl"))).steps;
  expect(drawn!.steps).toHaveLength(told.length);
  const count = (part: string) => training.filter((row) => row.part === part).length;
  expect(count("helpful")).toBeGreaterThan(2);
  expect(count("preferences")).toBeGreaterThan(0);

  // The first step found the model as it was: a quarter of the pairs are answers of its own.
  await using session = await openSession({ ...recipe, model: "model", root });
  const [{ weight, pairs: first }] = drawn!.steps as [DrawnStep];
  const parts = Map.groupBy(first, (i) => training[i]!.part);
  expect(parts.get("helpful")).toHaveLength(2);
  const losses = await session.backend.losses(first.map((i) => training[i]!.example));
  expect(losses.reduce((sum, { loss }) => sum + weight * loss, 0)).toBeCloseTo(told[0]!.loss!, 4);

  // Before its third step the preference stage was at a state that was kept.
  const record = await openRun(folder);
  const states = await listStates(folder, 3);
  const before = await openState(record, states.find(({ name }) => name === "stage-2-step-2")!);
  const last = drawn!.steps.at(-1)!;
  const drawnPairs = last.pairs.map((i) => training[i]!);
  const now = await logProbabilities(
    before.backend,
    drawnPairs.map(({ example, against }) => ({ chosen: example, rejected: against!.example })),
  );
  const preference = drawn!.preferences!.get(2)!;
  const each = drawnPairs.map(({ against }, i) => {
    const { reference } = against!;
    const delta = now[i]!.chosen - reference.chosen - (now[i]!.rejected - reference.rejected);
    return preferenceLoss(delta, preference).loss;
  });
  const mean = each.reduce((sum, loss) => sum + loss * last.weight, 0);
  expect(mean).toBeCloseTo(told.at(-1)!.loss!, 4);
  expect(Math.abs(mean - Math.LN2)).toBeGreaterThan(1e-3);

  // What is gone is named.
  const { data } = runPaths(folder);
  await rm(join(data, "helpful.jsonl"));
  await expect(
    preparedProbe(probeRequestSchema.parse({ probe: "influence", root, subject })),
  ).rejects.toThrow(/helpful\.jsonl, which it made itself and which is gone or damaged/);
});
