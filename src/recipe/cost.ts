import type { DeviceChoice } from "../protocol/device.ts";
import type { Recipe } from "../protocol/recipe.ts";
import type { StageRecipe } from "../protocol/recipeStages.ts";
import { isOwnSuite } from "../protocol/suite.ts";
import { greatestOf } from "../statistics/extremes.ts";
import type { PromptCounts } from "./check.ts";
import { type LaboratoryCost, laboratoryCost } from "./laboratoryCost.ts";
import { float } from "./memoryPlan.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { type PlacedPeak, placedPeak } from "./placedMemory.ts";
import { panelSizes } from "./probeCost.ts";
import { recipePasses } from "./recipeMemory.ts";
import {
  answerSpeed,
  flopsPerToken,
  pairTokens,
  passOf,
  promptTokens,
  type StageCost,
  stageCost,
} from "./stageCost.ts";
import { type FitCost, fitCost } from "./steeringCost.ts";
import { helpfulUse, usesTriggers } from "./uses.ts";

/*
 * Estimates of time, memory and disk before a run, good to a factor of about two. Letters: P numbers of the model's
 * blocks, L blocks, C hidden size, I size between, V vocabulary, n tokens a step. Measured where no other source is
 * named: SmolLM2-135M, LoRA of rank 16, 8 × 64 tokens, two cores.
 */

/** Prompts of a suite, where nobody counted them. */
const typicalSuite = 200;
/** Floating-point operations a second and core that training reaches (245 GFLOP a step in 1.27 s on two cores). */
export const flopsPerCore = 95e9;

/** What computes. */
export interface Machine {
  /** Cores as the system counts them; where two share one, a first estimate is up to twice too short. */
  readonly cores: number;
  /** Tokens a second that earlier runs of this model made in steps of a kind, on this machine. */
  readonly tokensPerSecond?: Partial<Record<StageRecipe["type"], number>>;
  /** Bytes of memory that can be had; where left out, everything fits. */
  readonly memoryBytes?: number;
  /** The backend and device that were chosen; where that is not known, those that the recipe names. */
  readonly choice?: DeviceChoice | null;
  /** What earlier runs of the same suites took for a prompt of a suite, scored, answered, and sampled where the recipe samples. */
  readonly secondsPerAnswer?: number;
}

export interface Cost {
  /** Of everything: steps, probes, the laboratory, and evaluation. */
  readonly seconds: number;
  /** Peak where it is computed, of its processes or of a GPU. */
  readonly memoryBytes: number;
  readonly memoryOf: PlacedPeak["of"];
  /** Size of the run folder at its largest. */
  readonly diskBytes: number;
  /** Each with its peak. */
  readonly stages: readonly (StageCost & { readonly memoryBytes: number })[];
  readonly probes: { readonly count: number; readonly seconds: number };
  /** Answers that the model gives itself to learn from. */
  readonly making: { readonly answers: number; readonly seconds: number };
  /** Of the inference-time method, where the recipe has one. */
  readonly fit: FitCost;
  readonly evaluation: EvaluationCost;
  readonly laboratory: LaboratoryCost;
}

/** What the evaluation costs on this machine. Of judges with a model, what they read and how long they take is not known beforehand. */
export interface EvaluationCost {
  /** Greedy answers, or prompts that are scored. */
  readonly answers: number;
  /** Answers that are sampled beside them. */
  readonly sampled: number;
  /** To services that judge: one for each greedy answer and service. */
  readonly requests: number;
  /** Models of this machine that judge, whose time is not counted. */
  readonly judgeModels: number;
  readonly seconds: number;
}

/**
 * What a run costs.
 *
 * Time of a step: flops / speed. A token forward is 2 flops a number of the blocks that are run; backward is as much for
 * the inputs, and as much again for the weights where these are trained themselves: 4·P·n with LoRA, 6·P·n in full. The
 * head, 2·V·C forward, is run on answers only. A contrastive stage runs ℓ of L blocks and no head. A probe is forward
 * only; an answer is forward a token at a time.
 *
 * Memory: the plan of the backend that computes it, `memoryPlan.ts` or `torchMemory.ts`.
 *
 * Disk: a checkpoint holds 3 floats a trained number; `keep` of them, the best one, and one that is written aside; 1
 * float a trained number for each finished stage and each snapshot within one; and the adapter or the whole model.
 */
export function estimateCost(
  recipe: Recipe,
  model: ModelFacts,
  machine: Machine,
  counts: PromptCounts = {},
): Cost {
  const speedOf = speeds(recipe, model, machine);
  const where = { available: machine.memoryBytes ?? null, choice: machine.choice ?? null };
  const stages = recipe.stages.map((stage) => ({
    ...stageCost(stage, recipe, model, speedOf(stage.type), counts),
    memoryBytes: placedPeak(recipe, model, [passOf(stage, recipe, model)], where).bytes,
  }));
  const speed = speedOf("supervised");
  const probes = probeCost(recipe, model, stages, speed, counts);
  const evaluation = evaluationCost(recipe, model, { speed, ...machine }, counts);
  const making = makingCost(recipe, model, speed, counts);
  const fit = fitCost(recipe, model, speed);
  const steps = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  const laboratory = laboratoryCost(recipe, model, stages, { speed, bytesOf: float, counts });
  const peak = placedPeak(recipe, model, recipePasses(recipe, model), where);
  return {
    seconds: steps + probes.seconds + laboratory.seconds + making.seconds + fit.seconds + evaluation.seconds,
    memoryBytes: peak.bytes,
    memoryOf: peak.of,
    diskBytes: diskBytes(recipe, model, stages) + laboratory.snapshotBytes,
    stages,
    probes,
    making,
    fit,
    evaluation,
    laboratory,
  };
}

/** The memory of the run of several that takes most, one after another. */
export function mostMemory(
  costs: readonly Pick<Cost, "memoryBytes" | "memoryOf">[],
): Pick<Cost, "memoryBytes" | "memoryOf"> {
  const none = { memoryBytes: 0, memoryOf: "memory" } as const;
  const { memoryBytes, memoryOf } = costs.reduce(
    (most, each) => (each.memoryBytes > most.memoryBytes ? each : most),
    none,
  );
  return { memoryBytes, memoryOf };
}

/** Flops a second by kind of stage: as measured in steps of that kind, else of the other, else the default. */
function speeds(recipe: Recipe, model: ModelFacts, { cores, tokensPerSecond = {} }: Machine) {
  const threads = Math.min(cores, recipe.threads ?? cores);
  const measured = new Map<StageRecipe["type"], number>();
  for (const stage of recipe.stages) {
    const tokens = tokensPerSecond[stage.type];
    if (tokens !== undefined) measured.set(stage.type, tokens * flopsPerToken(stage, model));
  }
  const [any] = measured.values();
  return (kind: StageRecipe["type"]) => measured.get(kind) ?? any ?? threads * flopsPerCore;
}

function probeCost(
  recipe: Recipe,
  model: ModelFacts,
  stages: readonly StageCost[],
  speed: number,
  counts: PromptCounts,
): Cost["probes"] {
  // Before the first step, at every so many, and at the end of each stage.
  const count = 1 + stages.reduce((sum, { steps }) => sum + Math.ceil(steps / recipe.probes.every), 0);
  const sizes = panelSizes(recipe, counts);
  const prompts = Object.values(sizes.prompts).reduce((sum, size) => sum + size, 0);
  // A third of them are general, whose answers' loss is measured as well.
  const tokens = prompts * (promptTokens + sizes.openingTokens) + (prompts / 3) * pairTokens;
  return { count, seconds: (count * tokens * 2 * model.parameters) / speed };
}

/**
 * Prompts that the evaluation of a recipe scores or answers greedily, and answers that it samples besides.
 *
 * @param counts prompts, where they were counted.
 */
export function evaluationAnswers(
  { evaluate: { suites, before, scoreOnly, sampling } }: Recipe,
  counts: PromptCounts,
): Pick<EvaluationCost, "answers" | "sampled"> {
  const sizes = suites.map((suite) => (isOwnSuite(suite) ? suite.source.limit : suite.limit) ?? typicalSuite);
  const planned = sizes.reduce((sum, size) => sum + size, 0);
  const prompts = counts.suites ?? planned;
  const methods = before ? 2 : 1;
  const drawn = sizes.reduce((sum, size) => sum + Math.min(size, sampling?.limit ?? size), 0);
  // What was counted is one number over all suites: they are taken to be as unlike each other as planned.
  const share = planned === 0 ? 0 : drawn / planned;
  const sampled = sampling && !scoreOnly ? Math.round(prompts * share) * methods * sampling.samples : 0;
  return { answers: prompts * methods, sampled };
}

function evaluationCost(
  recipe: Recipe,
  model: ModelFacts,
  { speed, secondsPerAnswer }: { readonly speed: number } & Pick<Machine, "secondsPerAnswer">,
  counts: PromptCounts,
): EvaluationCost {
  const { maxNewTokens, scoreOnly, judges } = recipe.evaluate;
  const { answers, sampled } = evaluationAnswers(recipe, counts);
  if (scoreOnly) {
    const scored = promptTokens + panelSizes(recipe, counts).openingTokens;
    const seconds = (answers * 2 * model.parameters * scored) / speed;
    return { answers, sampled: 0, requests: 0, judgeModels: 0, seconds };
  }
  const flops = 2 * model.parameters * (promptTokens + maxNewTokens / answerSpeed);
  const types = judges.map((judge) => (typeof judge === "string" ? null : judge.type));
  return {
    answers,
    sampled,
    requests: answers * types.filter((type) => type === "endpoint").length,
    judgeModels: types.filter((type) => type === "guard" || type === "classifier").length,
    // What was measured for a prompt holds its sampled answers.
    seconds:
      secondsPerAnswer === undefined ? ((answers + sampled) * flops) / speed : answers * secondsPerAnswer,
  };
}

/** Own answers to helpful prompts and triggers before the first stage, and those of which preferences are made. */
function makingCost(
  recipe: Recipe,
  model: ModelFacts,
  speed: number,
  { helpful = typicalSuite, safety = typicalSuite }: PromptCounts,
): Cost["making"] {
  const { helpfulAnswers, triggers } = recipe.data;
  const own = helpfulAnswers.type === "self-distilled" ? helpfulAnswers : null;
  const made = usesTriggers(recipe) && triggers.type !== "pairs";
  // Each of these: how many prompts, and tokens that are written to each.
  const asked: [prompts: number, tokens: number][] = recipe.stages.flatMap((stage) =>
    stage.type === "preference" ? [[helpful + safety, stage.maxNewTokens]] : [],
  );
  if (made && triggers.type === "model") asked.push([safety, triggers.maxNewTokens]);
  if (own && helpfulUse(recipe) !== null) asked.push([helpful * own.samples, own.maxNewTokens]);
  if (own && made) asked.push([safety * own.samples, own.maxNewTokens]);
  const answers = asked.reduce((sum, [prompts]) => sum + prompts, 0);
  const tokens = asked.reduce(
    (sum, [prompts, written]) => sum + prompts * (promptTokens + written / answerSpeed),
    0,
  );
  return { answers, seconds: (tokens * 2 * model.parameters) / speed };
}

function diskBytes({ stages: recipes, checkpoint }: Recipe, model: ModelFacts, stages: readonly StageCost[]) {
  const largest = greatestOf([0, ...stages.map(({ trained }) => trained)]);
  const finished = stages.reduce((sum, { trained }) => sum + trained, 0);
  const states = checkpoint.keep + 1 + (checkpoint.best ? 1 : 0);
  const whole = recipes.some(({ train }) => train.method === "full");
  return float * (3 * largest * states + finished + (whole ? model.parameters : finished));
}
