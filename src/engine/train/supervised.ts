import { DiscernError } from "../../protocol/errors.ts";
import { answerLossPass, type Example, labelCount, promptPrefix } from "../probe/answer_loss.ts";
import type { Batch, Objective } from "./objective.ts";
import { shuffled, stream } from "./random.ts";

export interface SupervisedOptions {
  readonly seed: number;
  readonly batchSize: number;
  /** Passes a step; the step's loss is the mean over the labelled tokens of all of them. */
  readonly accumulate: number;
  /** Share of safety pairs in every batch, rounded to whole examples. */
  readonly safetyRatio: number;
  /** Whether only the answer is learned; otherwise the prompt too, as the first safety-tuning scripts did. */
  readonly maskPrompt: boolean;
}

/** Batches drawn together, at the most, before they are sorted by length. */
const widestWindow = 16;

/**
 * Safety tuning (STL, Bianchi et al. 2024): next-token loss on general pairs mixed with safety pairs at a fixed ratio
 * in every batch, so that the strength of the mix does not wander.
 */
export class SupervisedObjective implements Objective {
  private readonly general: readonly Example[];
  private readonly safety: readonly Example[];
  private readonly options: SupervisedOptions;
  private readonly prefix: readonly number[];
  private readonly perBatch: { general: number; safety: number };
  private readonly padId: number;
  /** Batches drawn together: never more than a pool has examples for, or a batch would hold one example many times. */
  private readonly window: number;

  /** @throws DiscernError("group-too-small") when the ratio asks for examples that are not there. */
  constructor(
    general: readonly Example[],
    safety: readonly Example[],
    padId: number,
    options: SupervisedOptions,
  ) {
    const safe = Math.round(options.batchSize * options.safetyRatio);
    this.perBatch = { general: options.batchSize - safe, safety: safe };
    for (const [name, examples] of Object.entries({ general, safety })) {
      if (this.perBatch[name as "general" | "safety"] > 0 && examples.length === 0) {
        throw new DiscernError(
          "group-too-small",
          `Supervised tuning with safetyRatio ${options.safetyRatio} needs ${name} pairs, and data.${name} gives none.`,
        );
      }
    }
    const whole = [general.length / this.perBatch.general, safety.length / this.perBatch.safety];
    const least = Math.floor(Math.min(...whole.filter(Number.isFinite)));
    this.window = Math.min(widestWindow, Math.max(1, least));
    this.general = general;
    this.safety = safety;
    this.padId = padId;
    this.options = options;
    // When prompts are learned too, every row needs its own prefix: its tokens carry loss.
    this.prefix = options.maskPrompt ? promptPrefix([...general, ...safety]) : [];
  }

  batches(step: number): Batch[] {
    const { accumulate, maskPrompt } = this.options;
    const passes = Array.from({ length: accumulate }, (_, i) => this.examples(step * accumulate + i));
    const labels = passes.flat().reduce((sum, example) => sum + labelCount(example, maskPrompt), 0);
    return passes.map((examples) => {
      const { loss, ...pass } = answerLossPass(examples, this.prefix, this.padId, {
        maskPrompt,
        weight: 1 / labels,
      });
      return { ...pass, build: (decoder) => ({ loss: loss(decoder), metrics: {} }) };
    });
  }

  report(): Record<string, never> {
    return {};
  }

  finished(): null {
    return null;
  }

  /**
   * The n-th batch. Each pool is walked in shuffled order; within a window of batches both are sorted by length, cut
   * into batches and these shuffled, so that rows of a batch are about equally long and little is padding.
   */
  private examples(n: number): Example[] {
    const { window } = this;
    const index = Math.floor(n / window);
    const place = shuffled([...Array(window).keys()], stream(this.options.seed, "batch", index))[n % window];
    const draw = (name: "general" | "safety") => {
      const count = this.perBatch[name];
      const pool = this.walk(name, index * window * count, window * count);
      return pool.sort((a, b) => a.ids.length - b.ids.length).slice(place * count, (place + 1) * count);
    };
    return [...draw("general"), ...draw("safety")];
  }

  /** `count` examples from position `start` of the endless shuffled walk through a pool. */
  private walk(name: "general" | "safety", start: number, count: number): Example[] {
    const pool = this[name];
    const walked: Example[] = [];
    while (walked.length < count) {
      const position = start + walked.length;
      const epoch = Math.floor(position / pool.length);
      const order = shuffled(pool, stream(this.options.seed, name, epoch));
      walked.push(...order.slice(position % pool.length, (position % pool.length) + count - walked.length));
    }
    return walked;
  }
}
