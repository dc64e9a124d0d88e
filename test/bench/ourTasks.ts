/** What Discern's side of a benchmark does: each task prepares what may be kept between runs, and returns one run. */
import type { Backend } from "../../src/engine/backend/backend.ts";
import { generate } from "../../src/engine/probe/generate.ts";
import { RefusalScorer } from "../../src/engine/probe/refusal.ts";
import { ContrastiveObjective } from "../../src/engine/train/contrastive.ts";
import type { Objective } from "../../src/engine/train/objective.ts";
import { TrainingStage } from "../../src/engine/train/trainingStage.ts";
import { type ContrastiveRecipe, stageSchema, type TrainRecipe } from "../../src/protocol/recipeStages.ts";
import type { ContrastiveInput, GenerateInput, LoraInput, ScoreInput } from "./tasks.ts";

export const tasks = {
  async lora_step(backend: Backend, { rows, answer, rank, rate }: LoraInput) {
    const weight = 1 / rows.reduce((sum, row) => sum + row.length - answer, 0);
    const examples = rows.map((ids) => ({ ids, promptLength: answer }));
    const objective: Objective = {
      batches: () => [{ kind: "answers", examples, maskPrompt: true, weight, shared: 0 }],
      report: () => ({}),
      finished: () => null,
    };
    return steps(backend, objective, lora(rank), rate);
  },

  async contrastive_step(backend: Backend, input: ContrastiveInput) {
    const { rows, groups, layer, margin, gamma, rate, rank } = input;
    const prompts = rows.map((ids, i) => ({
      ids,
      label: groups[i] ? ("toxic" as const) : ("seemingly_toxic" as const),
    }));
    const recipe = stageSchema.parse({
      type: "contrastive",
      layer,
      loss: { type: "circle", form: "global", margin, gamma },
      sampler: { batch: rows.length, twins: false },
      center: false,
      retention: { type: "none" },
    }) as ContrastiveRecipe;
    const objective = await ContrastiveObjective.create(backend, prompts, [], {
      ...recipe,
      layer,
      seed: 0,
    });
    return steps(backend, objective, rank ? lora(rank) : { method: "full", embeddings: false }, rate);
  },

  async score(backend: Backend, { prompts, openings }: ScoreInput) {
    const scorer = new RefusalScorer(backend, openings);
    return async () => (await scorer.score(prompts)).map(({ probability }) => Math.log(probability));
  },

  async generate(backend: Backend, { prompts, tokens, batch }: GenerateInput) {
    return async () => {
      const answers = await generate(backend, prompts, {
        maxNewTokens: tokens,
        batchSize: batch,
        eosIds: [],
      });
      return answers.map(({ ids }) => ids);
    };
  },
};

function lora(rank: number): TrainRecipe {
  return { method: "lora", rank, alpha: 2 * rank, dropout: 0, targets: "all-linear" };
}

async function steps(backend: Backend, objective: Objective, train: TrainRecipe, learningRate: number) {
  const optimiser = {
    learningRate,
    betas: [0.9, 0.999] as [number, number],
    epsilon: 1e-8,
    weightDecay: 0.01,
    clip: 1,
    warmup: 0,
    schedule: "constant" as const,
  };
  const stage = await TrainingStage.create(backend, objective, { steps: 1e6, seed: 0, train, optimiser });
  return async () => (await stage.next()).loss;
}
