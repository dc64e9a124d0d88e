/** Discern's side of the benchmark: one task in one process, asked over stdin as peer/peer.py is. */
import { createInterface } from "node:readline";
import type { Backend } from "../../src/engine/backend/backend.ts";
import { openBackend } from "../../src/engine/backend/open.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { generate } from "../../src/engine/probe/generate.ts";
import { RefusalScorer } from "../../src/engine/probe/refusal.ts";
import { relaunch } from "../../src/engine/server/launch.ts";
import { ContrastiveObjective } from "../../src/engine/train/contrastive.ts";
import type { Objective } from "../../src/engine/train/objective.ts";
import { TrainingStage } from "../../src/engine/train/trainingStage.ts";
import { torchSchema } from "../../src/protocol/backend.ts";
import { type ContrastiveRecipe, stageSchema, type TrainRecipe } from "../../src/protocol/recipeStages.ts";
import type { Request } from "./side.ts";
import type { ContrastiveInput, GenerateInput, LoraInput, ScoreInput } from "./tasks.ts";

// As the command line starts itself.
relaunch();

/** Each task prepares what may be kept between runs, and returns one run. */
const tasks = {
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

/** The model that the tasks before worked on. What they trained is still attached, so training comes last. */
let opened: { path: string; backend: Backend } | undefined;

async function prepare({
  task,
  threads,
  device,
  backend: name,
  variant,
  input,
}: Extract<Request, { do: "prepare" }>) {
  const path = input.model as string;
  if (opened?.path !== path) {
    await opened?.backend.dispose();
    const torch = torchSchema.parse(variant ?? {});
    const options = { backend: name ?? "onnx", device, threads, torch };
    opened = { path, backend: (await openBackend(options, await loadModel(path))).backend };
  }
  const make = tasks[task as keyof typeof tasks] as (
    backend: Backend,
    input: unknown,
  ) => Promise<() => Promise<unknown>>;
  return make(opened.backend, input);
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
