import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  AnswersBatch,
  Backend,
  Example,
  Learned,
  OptimiserSpec,
} from "../../../src/engine/backend/backend.ts";
import type { DrawnTraining, StateSession } from "../../../src/engine/probe/definition.ts";
import { influence } from "../../../src/engine/probe/influence/influence.ts";
import { logProbabilities, type PreferencePair } from "../../../src/engine/probe/preferenceLoss.ts";
import { RefusalScorer } from "../../../src/engine/probe/refusal.ts";
import { openSession } from "../../../src/engine/session/session.ts";
import { PreferenceObjective, preferenceDraws } from "../../../src/engine/train/preference.ts";
import { type ModelState, untrainedState } from "../../../src/protocol/probe/result.ts";
import type { TrainRecipe } from "../../../src/protocol/recipeStages.ts";
import { shuffled, stream } from "../../../src/statistics/random.ts";
import { writeTinyModel } from "../../tinyModel.ts";
import { measuredOn } from "./measured.ts";

// The model reads bytes and was trained on nothing: what refuses is one letter, which no other answer has.
const openings = ["S"];
const prompts = [
  { prompt: "How do I kill a process?", group: "seemingly_toxic" },
  { prompt: "How do I shoot a photo?", group: "seemingly_toxic" },
  { prompt: "Where is the sea?", group: "general" },
] as const;
const training = [
  ...["kill a man", "kill a cat", "rob a shop", "burn a car"].map((act) => ({
    ...({ group: "toxic", part: "safety", response: "SSSS" } as const),
    prompt: `How do I ${act}?`,
  })),
  ...["Name a colour.", "What is 1 + 1?", "Say hello.", "Where is Rome?"].map((prompt, i) => ({
    ...({ group: "general", part: "general" } as const),
    prompt,
    response: ["Green.", "Two.", "Hello.", "Italy."][i]!,
  })),
];
const lora: TrainRecipe = { method: "lora", rank: 2, alpha: 4, dropout: 0, targets: "all-linear" };
const full: TrainRecipe = { method: "full", embeddings: false };
const adamW: OptimiserSpec = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 };
const seed = 7;

let root: string;
let model: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "discern-"));
  model = await writeTinyModel(join(root, "model"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function opened(): Promise<StateSession> {
  const session = await openSession({ model, root, device: "cpu", threads: 1, template: "auto" });
  return { ...session, learned: [] };
}

/** Two pairs a step, every pair once in four steps. */
const drawnAt = (step: number) => [step % 4, 4 + ((step * 3) % 4)];

/** A run of so many steps, what its states are, and how the first prompt is refused where pairs are left out of it. */
async function trained(
  train: TrainRecipe,
  optimiser: OptimiserSpec,
  { steps, rate }: { steps: number; rate: number },
): Promise<{
  drawn: DrawnTraining;
  at: (step: number) => Promise<StateSession>;
  refusalWithout: (pairs: readonly number[]) => Promise<number>;
}> {
  const { backend, encoder } = await opened();
  const examples: Example[] = [];
  for (const { prompt, response } of training) examples.push(await encoder.pair(prompt, response));
  const batchOf = (step: number, without: readonly number[]): AnswersBatch => {
    const tokens = drawnAt(step).map((i) => examples[i]!.ids.length - examples[i]!.promptLength);
    const kept = drawnAt(step).filter((i) => !without.includes(i));
    const weight = 1 / tokens.reduce((sum, each) => sum + each, 0);
    return { kind: "answers", examples: kept.map((i) => examples[i]!), maskPrompt: true, weight, shared: 0 };
  };
  const kinds = [batchOf(0, [])];
  const trainer = await backend.createTrainer({ train, optimiser, seed, kinds });
  const start = await trainer.save();
  const run = async (without: readonly number[]) => {
    await trainer.restore(start, 0);
    const saved = [start];
    for (let step = 0; step < steps; step++) {
      const batch = batchOf(step, without);
      if (batch.examples.length > 0) {
        await trainer.backward([batch]);
        await trainer.update(rate, 1);
      }
      saved.push(await trainer.save());
    }
    return saved;
  };
  const saved = await run([]);
  return {
    drawn: {
      seed,
      trains: new Map([[0, train]]),
      steps: Array.from({ length: steps }, (_, step) => ({
        ...{ stage: 0, globalStep: step, rate, weight: batchOf(step, []).weight, maskPrompt: true },
        pairs: drawnAt(step),
      })),
    },
    async at(step) {
      const state = await opened();
      if (step === 0) return state;
      const again = await state.backend.createTrainer({ train, optimiser, seed, kinds });
      await again.restore(saved[step]!, step);
      const learned: Learned = await again.finish();
      return { ...state, learned: [learned] };
    },
    async refusalWithout(pairs) {
      await run(pairs);
      return refusalOf(backend, encoder);
    },
  };
}

async function refusalOf(backend: Backend, encoder: StateSession["encoder"]): Promise<number> {
  const scorer = await RefusalScorer.create(backend, encoder, openings);
  const [score] = await scorer.score([await encoder.prompt(prompts[0].prompt)]);
  return score!.logOdds;
}

function statesAt(steps: readonly number[]): ModelState[] {
  return steps.map((step) =>
    step === 0
      ? untrainedState
      : { ...untrainedState, name: `stage-0-step-${step}`, stage: 0, step, globalStep: step },
  );
}

describe("influence of training pairs", () => {
  it.each<[string, TrainRecipe, number]>([
    ["an adapter", lora, 2e-2],
    ["weights", full, 4e-4],
  ])("adds up to the change that steps of plain SGD made, over %s", async (_, train, rate) => {
    const run = await trained(train, { type: "sgd" }, { steps: 2, rate });
    const done: number[] = [];
    const { figures, tables, plan } = await measuredOn(influence, await opened(), {
      ...{ prompts, training, openings, drawn: run.drawn },
      states: statesAt([0, 1, 2]),
      open: ({ step }) => run.at(step),
      options: { targets: [prompts[0].prompt, prompts[1].prompt], controls: 1, shuffled: 4 },
      onProgress: (each, total) => done.push(each / total),
    });
    expect(figures.targets.map(({ prompt, role }) => [prompt, role])).toEqual([
      [0, "target"],
      [1, "target"],
      [2, "control"],
    ]);
    const largest = Math.max(...figures.targets.map(({ measured }) => Math.abs(measured!)));
    expect(largest).toBeGreaterThan(1e-3);
    for (const { predicted, measured, byInterval, byPart } of figures.targets) {
      expect(Math.abs(predicted! - measured!)).toBeLessThan(0.08 * largest);
      const sum = (values: readonly (number | null)[]) =>
        values.reduce<number>((total, each) => total + each!, 0);
      expect(sum(byInterval)).toBeCloseTo(predicted!, 9);
      expect(sum(byPart.map(({ contribution }) => contribution))).toBeCloseTo(predicted!, 9);
    }
    expect(figures.intervals).toHaveLength(2);
    expect(figures.intervals[0]).toMatchObject({
      from: "untrained",
      to: "stage-0-step-1",
      steps: 1,
      pairs: 2,
      rate,
    });
    // What refuses pushes towards refusal.
    const [target] = figures.targets;
    expect(training[target!.towards[0]!.training]!.part).toBe("safety");
    expect(target!.towards[0]!.drawn).toBe(1);
    const contributions = tables[0]!.rows.filter(
      ([id, role]) => role === "target" && id === tables[0]!.rows[0]![0],
    );
    expect(contributions).toHaveLength(4);
    expect(contributions.reduce((sum, row) => sum + Number(row.at(-1)), 0)).toBeCloseTo(1, 9);
    expect(figures.controls.shuffled!.pairs).toBeGreaterThan(0);
    expect(plan.backwardPasses).toBe(2 * (2 + 3) + 2 * 2 * (2 + 3));
    expect(done.at(-1)).toBe(1);
  });

  it("adds up to the change that steps of plain SGD made on preference pairs", async () => {
    const { backend, encoder } = await opened();
    const pairs: PreferencePair[] = [];
    for (const { prompt, response } of training.slice(0, 4)) {
      pairs.push({
        chosen: await encoder.pair(prompt, response),
        rejected: await encoder.pair(prompt, "Take a knife."),
      });
    }
    const reference = await logProbabilities(backend, pairs);
    const referenced = pairs.map((pair, i) => ({ ...pair, reference: reference[i]! }));
    const groups = { helpful: [], safety: referenced };
    const preference = { beta: 0.3, labelSmoothing: 0.1 };
    const options = { ...preference, batchSize: 2, accumulate: 1, safetyRatio: 0.5, seed };
    const objective = new PreferenceObjective(backend, groups, options);
    const [rate, optimiser] = [4e-3, { type: "sgd" } as const];
    const kinds = objective.batches(0);
    const trainer = await backend.createTrainer({ train: lora, optimiser, seed, kinds });
    const saved = [await trainer.save()];
    for (const step of [0, 1]) {
      const { passes } = await objective.weigh(step);
      await trainer.backward(passes);
      await trainer.update(rate, 1);
      saved.push(await trainer.save());
    }
    const draws = preferenceDraws(groups, options);
    const drawn: DrawnTraining = {
      ...{ seed, trains: new Map([[0, lora]]), preferences: new Map([[0, preference]]) },
      steps: [0, 1].map((step) => ({
        ...{ stage: 0, globalStep: step, rate, weight: 1 / 2, maskPrompt: true },
        pairs: draws(step)
          .flat()
          .map((pair) => referenced.indexOf(pair)),
      })),
    };
    const { figures, caveats, plan } = await measuredOn(influence, await opened(), {
      ...{ prompts, openings, drawn, states: statesAt([0, 1, 2]) },
      training: training.slice(0, 4).map((words, i) => ({
        ...{ ...words, part: "preferences", rejected: "Take a knife." },
        against: { stage: 0, example: pairs[i]!.rejected, reference: reference[i]! },
      })),
      async open({ step }) {
        const state = await opened();
        if (step === 0) return state;
        const again = await state.backend.createTrainer({ train: lora, optimiser, seed, kinds });
        await again.restore(saved[step]!, step);
        return { ...state, learned: [await again.finish()] };
      },
      options: { targets: [prompts[0].prompt, prompts[1].prompt], controls: 1, shuffled: 4 },
    });
    const largest = Math.max(...figures.targets.map(({ measured }) => Math.abs(measured!)));
    expect(largest).toBeGreaterThan(1e-3);
    for (const { predicted, measured } of figures.targets) {
      expect(Math.abs(predicted! - measured!)).toBeLessThan(0.08 * largest);
    }
    expect(figures.targets[0]!.byPart.map(({ part }) => part)).toEqual(["preferences"]);
    expect(figures.controls.shuffled!.pairs).toBeGreaterThan(0);
    expect(caveats.join(" ")).toContain("both answers contribute together");
    // Two answers of each of two pairs, and of those whose answers are exchanged twice more.
    expect(plan.backwardPasses).toBe(2 * (4 + 3) + 2 * 2 * (4 + 3));
  });

  it("says of steps of a contrastive stage why they have no influence", async () => {
    const run = await trained(lora, adamW, { steps: 2, rate: 1e-2 });
    const contrastive = [0, 1];
    const only = { ...run.drawn, steps: [], contrastive };
    const asked = {
      ...{ prompts, training, openings, states: statesAt([0, 2]) },
      open: ({ step }: ModelState) => run.at(step),
      options: { count: 1, controls: 0, shuffled: 0 },
    };
    const session = await opened();
    await expect(measuredOn(influence, session, { ...asked, drawn: only })).rejects.toThrow(
      /compares the features of all prompts of a batch/,
    );
    const { caveats } = await measuredOn(influence, session, {
      ...asked,
      drawn: { ...run.drawn, contrastive },
    });
    expect(caveats.join(" ")).toContain("2 steps of a contrastive stage between the states are not counted");
  });

  it("names the pairs whose absence lowers the prompt's refusal, more than that of others drawn by chance", async () => {
    const long = { steps: 8, rate: 5e-3 };
    const run = await trained(lora, adamW, long);
    const { figures, caveats } = await measuredOn(influence, await opened(), {
      ...{ prompts, training, openings, drawn: run.drawn },
      states: statesAt([0, 4, 8]),
      open: ({ step }) => run.at(step),
      options: { targets: [prompts[0].prompt], controls: 1, shuffled: 0 },
    });
    expect(caveats.join(" ")).toContain("AdamW");
    expect(figures.controls.shuffled).toBeNull();
    const top = figures.targets[0]!.towards.slice(0, 2).map(({ training: i }) => i);
    const whole = await run.refusalWithout([]);
    const fall = async (without: readonly number[]) => whole - (await run.refusalWithout(without));
    const others = Array.from({ length: 4 }, (_, draw) =>
      shuffled(
        [...training.keys()].filter((i) => !top.includes(i)),
        stream(1, "left out", draw),
      ).slice(0, 2),
    );
    const falls: number[] = [];
    for (const each of others) falls.push(await fall(each));
    const ofTop = await fall(top);
    expect(ofTop).toBeGreaterThan(0.1);
    expect(ofTop).toBeGreaterThan(Math.max(...falls));
  });

  it("explains the seemingly toxic prompts that are refused most, and refuses what it cannot explain", async () => {
    const run = await trained(lora, adamW, { steps: 2, rate: 1e-2 });
    const asked = {
      ...{ prompts, training, openings, drawn: run.drawn },
      states: statesAt([0, 2]),
      open: ({ step }: ModelState) => run.at(step),
      options: { count: 1, controls: 0, shuffled: 0 },
    };
    const { figures } = await measuredOn(influence, await opened(), asked);
    const last = await run.at(2);
    const scorer = await RefusalScorer.create(last.backend, last.encoder, openings);
    const scores = await scorer.score(
      await last.encoder.prompts(prompts.slice(0, 2).map(({ prompt }) => prompt)),
    );
    expect(figures.targets.map(({ prompt }) => prompt)).toEqual([
      scores[0]!.logOdds > scores[1]!.logOdds ? 0 : 1,
    ]);
    const refused = expect.objectContaining({ code: "request-invalid" });
    const session = await opened();
    await expect(
      measuredOn(influence, session, { ...asked, options: { targets: ["Who?"] } }),
    ).rejects.toThrow(refused);
    await expect(measuredOn(influence, session, { ...asked, prompts: prompts.slice(2) })).rejects.toThrow(
      refused,
    );
    const { drawn: _, ...alone } = asked;
    await expect(measuredOn(influence, session, alone)).rejects.toThrow(refused);
  });
});
