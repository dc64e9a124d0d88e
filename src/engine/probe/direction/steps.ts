/** Steps of training at one state: what first order predicts of them, and what they do. */

import { dropoutMask, streamKey } from "../../../statistics/random.ts";
import type { Backend, GradientRow, Tokens, Trainer } from "../../backend/backend.ts";
import type { Parameter } from "../../model/weights.ts";
import { type RefusalPoint, refusalPoints, refusalRow } from "../refusalGradient.ts";
import { tokenTrie } from "../tokenTrie.ts";
import type { Step } from "./sample.ts";
import { type Stepping, stepBatch } from "./trained.ts";

/** What prompts are asked with: their tokens, and the trie of refusal openings. */
export interface Asked {
  readonly prompts: readonly Tokens[];
  readonly openings: readonly Tokens[];
}

/** Refusal of all prompts behind one step. */
export interface Change {
  readonly logOdds: Float64Array;
  readonly probability: Float64Array;
}

/**
 * −∇RS(x′)·∇L(step) for each step (rows) and prompt (columns), in nats per unit of learning rate, with L the mean loss over the step's
 * answer tokens. Cost: a forward and a backward pass for each prompt and each pair of the steps.
 */
export async function predictedChanges(
  backend: Backend,
  { scope }: Stepping,
  { prompts, openings }: Asked,
  points: readonly RefusalPoint[],
  steps: readonly Step[],
  onProgress: (share: number) => void,
): Promise<number[][]> {
  const trie = tokenTrie(openings);
  const left = prompts.map((ids, i) => refusalRow(ids, trie, points[i]!.edges));
  const right = answerRows(steps);
  const products = await backend.gradientProducts(left, right, { scope, sums: "margins", onProgress });
  const total = (i: number, j: number) =>
    products.sums
      .filter(({ part }) => part === "all")
      .reduce((sum, each) => sum + each.products[i * right.length + j]!, 0);
  let first = 0;
  return steps.map((step) => {
    const [from, to] = [first, first + step.examples.length];
    first = to;
    const { weight } = stepBatch(step);
    return prompts.map((_, i) => {
      let sum = 0;
      for (let j = from; j < to; j++) sum += total(i, j);
      return -weight * sum;
    });
  });
}

/** The rows whose gradients are those of the losses of the steps' pairs, one after another. */
export function answerRows(steps: readonly Step[]): GradientRow[] {
  return steps.flatMap(({ examples }) =>
    examples.map((example) => ({ ...example, scalar: { type: "answer-loss" } as const })),
  );
}

/** Takes steps from one point and back to it. */
export class StepTaker {
  private readonly backend: Backend;
  private readonly trainer: Trainer;
  private readonly asked: Asked;
  private readonly before: readonly RefusalPoint[];
  /** The parameters at the point. */
  private readonly start: ReadonlyMap<string, Parameter>;

  private constructor(
    backend: Backend,
    trainer: Trainer,
    asked: Asked,
    before: readonly RefusalPoint[],
    start: ReadonlyMap<string, Parameter>,
  ) {
    this.backend = backend;
    this.trainer = trainer;
    this.asked = asked;
    this.before = before;
    this.start = start;
  }

  /** Changes are those from how the prompts are refused with the trainer as it is. */
  static async create(backend: Backend, trainer: Trainer, asked: Asked): Promise<StepTaker> {
    const before = await refusalPoints(backend, asked.prompts, tokenTrie(asked.openings));
    return new StepTaker(backend, trainer, asked, before, await trainer.save());
  }

  /** What a step of plain SGD at a rate changes; its gradient's norm. */
  async step(step: Step, rate: number): Promise<{ change: Change; norm: number }> {
    const { gradientNorm: norm } = await this.trainer.backward([stepBatch(step)]);
    await this.trainer.update(rate, 1);
    return { change: await this.changedAndBack(), norm };
  }

  /** What a move of so many units along random signs changes. */
  async random(length: number, seed: number, draw: number): Promise<Change> {
    let count = 0;
    for (const { data } of this.start.values()) count += data.length;
    const each = length / Math.sqrt(count);
    const moved = new Map<string, Parameter>();
    for (const [name, { shape, data }] of this.start) {
      // Factors of dropout at one half are 0 and 2: fair signs, plus one.
      const signs = dropoutMask(data.length, 0.5, streamKey(seed, "random direction", draw, name));
      moved.set(name, { shape, data: Float32Array.from(data, (x, i) => x + each * (signs[i]! - 1)) });
    }
    await this.trainer.restore(moved, 0);
    return this.changedAndBack();
  }

  private async changedAndBack(): Promise<Change> {
    const after = await refusalPoints(this.backend, this.asked.prompts, tokenTrie(this.asked.openings));
    await this.trainer.restore(this.start, 0);
    const difference = (of: (point: RefusalPoint) => number) =>
      Float64Array.from(after, (point, i) => of(point) - of(this.before[i]!));
    return {
      logOdds: difference(({ logOdds }) => logOdds),
      probability: difference(({ probability }) => probability),
    };
  }
}
