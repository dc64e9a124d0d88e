/** Discern's side of the benchmark: one task in one process, asked over stdin as peer/peer.py is. */
import { createInterface } from "node:readline";
import { LiveModel } from "../../src/engine/backend/onnx/decoder/liveModel.ts";
import { Device } from "../../src/engine/backend/onnx/runtime/device.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { answerLossPass } from "../../src/engine/probe/answerLoss.ts";
import { generate } from "../../src/engine/probe/generate.ts";
import { RefusalScorer } from "../../src/engine/probe/refusal.ts";
import { relaunch } from "../../src/engine/server/launch.ts";
import { ContrastiveObjective } from "../../src/engine/train/contrastive.ts";
import type { Objective } from "../../src/engine/train/objective.ts";
import { Trainer } from "../../src/engine/train/trainer.ts";
import { type ContrastiveRecipe, stageSchema, type TrainRecipe } from "../../src/protocol/recipeStages.ts";
import type { Request } from "./side.ts";
import type { ContrastiveInput, GenerateInput, LoraInput, ScoreInput } from "./tasks.ts";

// As the command line starts itself.
relaunch();

interface Prepared {
  model: LiveModel;
  padId: number;
}

/** Each task prepares what may be kept between runs, and returns one run. */
const tasks = {
  async lora_step({ model, padId }: Prepared, { rows, answer, rank, rate }: LoraInput) {
    const weight = 1 / rows.reduce((sum, row) => sum + row.length - answer, 0);
    const examples = rows.map((ids) => ({ ids, promptLength: answer }));
    const { loss, ...pass } = answerLossPass(examples, [], padId, { maskPrompt: true, weight });
    const objective: Objective = {
      batches: () => [{ ...pass, build: (decoder) => ({ loss: loss(decoder), metrics: {} }) }],
      report: () => ({}),
      finished: () => null,
    };
    return steps(model, objective, lora(rank), rate);
  },

  async contrastive_step({ model, padId }: Prepared, input: ContrastiveInput) {
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
    const objective = await ContrastiveObjective.create(model, prompts, [], padId, {
      ...recipe,
      layer,
      seed: 0,
    });
    return steps(model, objective, rank ? lora(rank) : { method: "full", embeddings: false }, rate);
  },

  async score({ model, padId }: Prepared, { prompts, openings }: ScoreInput) {
    const scorer = new RefusalScorer(model, padId, openings);
    return async () => (await scorer.score(prompts)).map(({ probability }) => Math.log(probability));
  },

  async generate({ model }: Prepared, { prompts, tokens, batch }: GenerateInput) {
    return async () => {
      const answers = await generate(model, prompts, { maxNewTokens: tokens, batchSize: batch, eosIds: [] });
      return answers.map(({ ids }) => ids);
    };
  },
};

function lora(rank: number): TrainRecipe {
  return { method: "lora", rank, alpha: 2 * rank, dropout: 0, targets: "all-linear" };
}

async function steps(model: LiveModel, objective: Objective, train: TrainRecipe, learningRate: number) {
  const optimiser = {
    learningRate,
    betas: [0.9, 0.999] as [number, number],
    epsilon: 1e-8,
    weightDecay: 0.01,
    clip: 1,
    warmup: 0,
    schedule: "constant" as const,
  };
  const trainer = await Trainer.create(model, objective, { steps: 1e6, seed: 0, train, optimiser });
  return async () => (await trainer.next()).loss;
}

async function prepare({ task, threads, device, input }: Extract<Request, { do: "prepare" }>) {
  const loaded = await loadModel(input.model as string);
  const model = new LiveModel(await Device.open(device, { threads }), loaded.architecture, loaded.weights);
  const make = tasks[task as keyof typeof tasks] as (
    to: Prepared,
    input: unknown,
  ) => Promise<() => Promise<unknown>>;
  return make({ model, padId: loaded.tokenizer.padId }, input);
}

let run: (() => Promise<unknown>) | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request;
  if (request.do === "close") break;
  try {
    const start = performance.now();
    let result: unknown;
    if (request.do === "prepare") run = await prepare(request);
    else result = await run?.();
    const seconds = (performance.now() - start) / 1000;
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    console.log(JSON.stringify({ seconds, peakBytes, result }));
  } catch (error) {
    console.log(
      JSON.stringify({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  }
}
process.exit(0);
