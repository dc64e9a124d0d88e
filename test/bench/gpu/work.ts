import { uniformInt } from "pure-rand/distribution/uniformInt";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { stream } from "../../../src/statistics/random.ts";
import type { ContrastiveInput, GenerateInput, LoraInput, ScoreInput } from "../tasks.ts";
import { productWeights } from "./randomModel.ts";
import type { Shape } from "./shapes.ts";

/** A task on a shape: what either side is given, and how much that is. */
export interface Work {
  readonly title: string;
  /** Its name in ours.ts and in peer/peer.py. */
  readonly ours: string;
  readonly peer: string;
  readonly input: LoraInput | ContrastiveInput | (ScoreInput & { batch: number }) | GenerateInput;
  /** Tokens that a run is through with: of prompts where it reads them, of answers where it writes them. */
  readonly tokens: number;
  /** Floating-point operations of a run's products with the weights; attention and the optimiser come on top. */
  readonly operations: number;
}

export type WorkName = "lora" | "contrastive" | "score" | "generate";

/** Tokens that all prompts begin with, as a chat template and its system prompt would. */
const sharedTokens = 12;
/** Prompts of a batch of PyTorch's scoring; Discern chooses its own. */
const scoreBatch = 50;
const [rowTokens, answerFrom, rank] = [64, 32, 16];

/** The tasks on a shape, with random tokens. The same at every call. */
export function workOn(shape: Shape): Readonly<Record<WorkName, Work>> {
  const { rows, contrasted, scored, answered, newTokens } = shape.work;
  const layers = shape.config.num_hidden_layers;
  const layer = Math.ceil(layers / 2);
  const weights = productWeights(shape);
  const draw = drawer(shape);
  const shared = draw(sharedTokens, stream(0, "shared"));
  const prompts = (count: number, name: string) => {
    const random = stream(0, name);
    const own = Array.from({ length: count }, () => [...shared, ...draw(uniformInt(random, 8, 40), random)]);
    return own.sort((a, b) => a.length - b.length);
  };
  const openings = draftOpenings(draw);
  const [toScore, toContrast, toAnswer] = [
    prompts(scored, "score"),
    prompts(contrasted, "contrast"),
    prompts(answered, "answer"),
  ];
  const inner = new Set(
    openings.flatMap((opening) => opening.slice(1).map((_, i) => opening.slice(0, i + 1).join())),
  ).size;
  const length = (some: readonly number[][]) => some.reduce((sum, { length }) => sum + length, 0);
  const stepRows = Array.from({ length: rows }, (_, i) => draw(rowTokens, stream(0, "row", i)));
  return {
    lora: {
      title: `LoRA step, rank ${rank}, ${rows} × ${rowTokens} tokens`,
      ours: "lora_step",
      peer: "lora_step",
      input: { rows: stepRows, answer: answerFrom, rank, rate: 2e-4 },
      tokens: rows * rowTokens,
      // Forward, and backward to the inputs: the weights themselves get no gradient.
      operations: 4 * (rows * rowTokens * weights.blocks + rows * (rowTokens - answerFrom) * weights.head),
    },
    contrastive: {
      title: `contrastive step, ${contrasted} prompts, LoRA below layer ${layer}`,
      ours: "contrastive_step",
      peer: "contrastive_step",
      input: {
        rows: toContrast,
        groups: toContrast.map((_, i) => i % 2),
        layer,
        margin: 0.25,
        gamma: 32,
        rate: 1e-4,
        rank,
      },
      tokens: length(toContrast),
      operations: 4 * length(toContrast) * weights.blocks * (layer / layers),
    },
    score: {
      title: `refusal of ${scored} prompts`,
      ours: "score",
      peer: "score_one_pass",
      input: { prompts: toScore, openings, batch: scoreBatch },
      tokens: length(toScore),
      operations:
        2 * ((length(toScore) + scored * inner) * weights.blocks + scored * (1 + inner) * weights.head),
    },
    generate: {
      title: `greedy generation, ${answered} × ${newTokens} tokens in one batch`,
      ours: "generate",
      peer: "generate",
      input: { prompts: toAnswer, tokens: newTokens, batch: answered },
      tokens: answered * newTokens,
      operations:
        2 * (length(toAnswer) + answered * (newTokens - 1)) * weights.blocks +
        2 * answered * newTokens * weights.head,
    },
  };
}

type Draw = (count: number, random: RandomGenerator) => number[];

/** Random tokens that mean no beginning or end. */
function drawer({ config }: Shape): Draw {
  return (count, random) =>
    Array.from({ length: count }, () => uniformInt(random, 259, config.vocab_size - 1));
}

/** As many openings as are scored by default, which share beginnings as refusals do; none begins with another. */
function draftOpenings(draw: Draw): number[][] {
  const random = stream(0, "openings");
  const stems = Array.from({ length: 6 }, () => draw(2, random));
  return stems.flatMap((stem) => [2, 3, 4].map((more) => [...stem, ...draw(more, random)]));
}
