import type { Corpus } from "./corpus.ts";

export interface LoraInput {
  rows: number[][];
  /** Position from which tokens of a row carry loss. */
  answer: number;
  rank: number;
  rate: number;
}

export interface ContrastiveInput {
  rows: number[][];
  groups: number[];
  layer: number;
  margin: number;
  gamma: number;
  rate: number;
  /** Of a LoRA adapter; without it the weights of the layers themselves are trained. */
  rank?: number;
}

export interface ScoreInput {
  prompts: number[][];
  openings: number[][];
}

export interface GenerateInput {
  prompts: number[][];
  tokens: number;
  batch: number;
}

/** One comparison: the same work for both sides, and what Discern means to reach. */
export interface Task {
  readonly title: string;
  /** The task's name on either side, and what it is given besides the model. */
  readonly ours: { task: string; input(corpus: Corpus): object };
  readonly peer: { task: string; input(corpus: Corpus): object };
  /** How many times as much work ours does as what the peer is given; its seconds are multiplied by it. */
  readonly peerShare?: number;
  readonly goal: { speed: number; memory?: number };
  /** How far two first results lie apart, and how far they may: a ratio of different work means nothing. */
  difference(ours: unknown, peer: unknown): number;
  readonly tolerance: number;
  /** The same against bfloat16, whose numbers have two to three digits. */
  readonly tolerance16: number;
}

const prompts = 200;
/** Scoring opening by opening takes minutes; the peer does so for every so manieth prompt. */
const separately = 20;

const apart = (ours: unknown, peer: unknown): number => Math.abs((ours as number) - (peer as number));

function farthest(ours: unknown, peer: unknown): number {
  const theirs = peer as number[];
  const every = (ours as number[]).length / theirs.length;
  return Math.max(...theirs.map((score, i) => apart((ours as number[])[i * every], score)));
}

/** Share of tokens that differ. Two greedy answers part for good where two tokens are equally probable. */
export function unlike(ours: unknown, peer: unknown): number {
  const mine = (ours as number[][]).flat();
  const theirs = (peer as number[][]).flat();
  return theirs.filter((token, i) => token !== mine[i]).length / theirs.length;
}

const sorted = (rows: readonly number[][]): number[][] => [...rows].sort((a, b) => a.length - b.length);

const loraInput = ({ stream }: Corpus): LoraInput => ({
  rows: Array.from({ length: 8 }, (_, i) => stream.slice(i * 64, (i + 1) * 64)),
  answer: 32,
  rank: 16,
  rate: 2e-4,
});

function contrastiveInput({ pairs }: Corpus): ContrastiveInput {
  // Twelve pairs from all over the set, so that all kinds are met.
  const every = Math.floor(pairs.length / 24);
  const chosen = Array.from({ length: 12 }, (_, i) => pairs.slice(2 * i * every, 2 * i * every + 2)).flat();
  return {
    rows: chosen.map(({ ids }) => ids),
    groups: chosen.map(({ toxic }) => Number(toxic)),
    layer: 15,
    margin: 0.25,
    gamma: 32,
    rate: 1e-4,
  };
}

const scoreInput = ({ pairs, openings }: Corpus): ScoreInput => ({
  // In order of length, so that batches of either side hold little padding.
  prompts: sorted(pairs.slice(0, prompts).map(({ ids }) => ids)),
  openings: [...openings],
});

const generateInput = ({ general }: Corpus): GenerateInput => ({
  prompts: sorted(general.slice(0, 32)),
  tokens: 32,
  batch: 16,
});

/** As many prompts as XSTest has. Both sides take the same batches. */
const evaluateInput =
  (batch: number) =>
  (corpus: Corpus): GenerateInput => {
    const all = [...corpus.pairs.map(({ ids }) => ids), ...corpus.general];
    const prompts = Array.from({ length: 450 }, (_, i) => all[i % all.length]!);
    return { prompts: sorted(prompts), tokens: 64, batch };
  };

export const tasks: Readonly<Record<string, Task>> = {
  lora: {
    title: "LoRA step, rank 16, 8 × 64 tokens",
    ours: { task: "lora_step", input: loraInput },
    peer: { task: "lora_step", input: loraInput },
    goal: { speed: 1.5, memory: 0.6 },
    difference: apart,
    tolerance: 1e-3,
    tolerance16: 0.1,
  },
  contrastive: {
    title: "contrastive step, 24 prompts, all weights below layer 15",
    ours: { task: "contrastive_step", input: contrastiveInput },
    peer: { task: "contrastive_step", input: contrastiveInput },
    goal: { speed: 1.5 },
    difference: apart,
    tolerance: 1e-2,
    tolerance16: 1,
  },
  contrastiveLora: {
    title: "contrastive step, 24 prompts, LoRA below layer 15",
    ours: { task: "contrastive_step", input: (corpus) => ({ ...contrastiveInput(corpus), rank: 16 }) },
    peer: { task: "contrastive_step", input: (corpus) => ({ ...contrastiveInput(corpus), rank: 16 }) },
    goal: { speed: 1.5 },
    difference: apart,
    tolerance: 1e-2,
    tolerance16: 1,
  },
  scoreSeparately: {
    title: `refusal of ${prompts} prompts, against each opening separately`,
    ours: { task: "score", input: scoreInput },
    peer: {
      task: "score_separately",
      input(corpus) {
        const input = scoreInput(corpus);
        return { ...input, prompts: input.prompts.filter((_, i) => i % separately === 0) };
      },
    },
    peerShare: separately,
    goal: { speed: 15 },
    difference: farthest,
    tolerance: 1e-2,
    tolerance16: 1,
  },
  score: {
    title: `refusal of ${prompts} prompts, against one pass a prompt`,
    ours: { task: "score", input: scoreInput },
    peer: { task: "score_one_pass", input: (corpus) => ({ ...scoreInput(corpus), batch: 8 }) },
    goal: { speed: 1.3 },
    difference: farthest,
    tolerance: 1e-2,
    tolerance16: 1,
  },
  generate: {
    title: "greedy generation, 32 × 32 tokens in batches of 16",
    ours: { task: "generate", input: generateInput },
    peer: { task: "generate", input: generateInput },
    goal: { speed: 1.5 },
    difference: unlike,
    tolerance: 0.2,
    tolerance16: 0.8,
  },
  evaluate: {
    title: "greedy answers to an evaluation's prompts, 450 × 64 tokens",
    ours: { task: "generate", input: evaluateInput(64) },
    peer: { task: "generate", input: evaluateInput(64) },
    goal: { speed: 1.5 },
    difference: unlike,
    tolerance: 0.2,
    tolerance16: 0.8,
  },
};
