import { DiscernError } from "../../protocol/errors.ts";
import { SafetyMix } from "../../recipe/safetyMix.ts";
import { leastOf } from "../../statistics/extremes.ts";
import { shuffled, stream, walk } from "../../statistics/random.ts";
import type { AnswersBatch, Example } from "../backend/backend.ts";
import { sharedPrefixLength } from "../backend/sharedPrefix.ts";
import { labelCount } from "../probe/answerLoss.ts";
import type { Objective } from "./objective.ts";

export interface SupervisedOptions {
  readonly seed: number;
  readonly batchSize: number;
  /** Passes a step; the step's loss is the mean over the labelled tokens of all of them. */
  readonly accumulate: number;
  /** Share of safety pairs among all pairs drawn (see `SafetyMix`). */
  readonly safetyRatio: number;
  /** Whether only the answer is learned; otherwise the prompt too, as the first safety-tuning scripts did. */
  readonly maskPrompt: boolean;
}

/** Batches drawn together, at the most, before they are sorted by length. */
const widestWindow = 16;

/**
 * Safety tuning (STL, Bianchi et al. 2024): next-token loss on general pairs mixed with safety pairs at a fixed ratio,
 * spread evenly over the batches, so that the strength of the mix does not wander.
 */
export class SupervisedObjective implements Objective {
  private readonly general: readonly Example[];
  private readonly safety: readonly Example[];
  private readonly options: SupervisedOptions;
  private readonly shared: number;
  private readonly mix: SafetyMix;
  /** Batches drawn together: never more than a pool has examples for, or a batch would hold one example many times. */
  private readonly window: number;

  /** @throws DiscernError("group-too-small") when the ratio asks for examples that are not there. */
  constructor(general: readonly Example[], safety: readonly Example[], options: SupervisedOptions) {
    this.mix = new SafetyMix(options);
    const { perBatch } = this.mix;
    for (const [name, examples] of Object.entries({ general, safety })) {
      if (perBatch[name as "general" | "safety"] > 0 && examples.length === 0) {
        throw new DiscernError(
          "group-too-small",
          `safetyRatio ${options.safetyRatio} draws ${name} pairs, and data.${name} holds none. Name a source of ` +
            `them under data.${name}, or set safetyRatio to ${name === "safety" ? 0 : 1}.`,
        );
      }
    }
    const whole = [general.length / perBatch.general, safety.length / perBatch.safety];
    const least = Math.floor(leastOf(whole.filter(Number.isFinite)));
    this.window = Math.min(widestWindow, Math.max(1, least));
    this.general = general;
    this.safety = safety;
    this.options = options;
    // When prompts are learned too, every row needs its own prefix: its tokens carry loss.
    this.shared = options.maskPrompt
      ? sharedPrefixLength([...general, ...safety].map(({ ids, promptLength }) => ids.slice(0, promptLength)))
      : 0;
  }

  batches(step: number): AnswersBatch[] {
    const { accumulate, maskPrompt } = this.options;
    const passes = Array.from({ length: accumulate }, (_, i) => this.examples(step * accumulate + i));
    const labels = passes.flat().reduce((sum, example) => sum + labelCount(example, maskPrompt), 0);
    const { shared } = this;
    return passes.map((examples) => ({ kind: "answers", examples, maskPrompt, weight: 1 / labels, shared }));
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
    const first = Math.floor(n / window) * window;
    // order[i] is the place by length of the window's i-th batch.
    const order = shuffled([...Array(window).keys()], stream(this.options.seed, "batch", first / window));
    const draw = (name: "general" | "safety") => {
      const counts = new Array<number>(window).fill(0);
      for (const [i, place] of order.entries()) counts[place] = this.mix.count(name, first + i);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const start = this.mix.before(name, first);
      const pool = walk(this[name], start, total, (epoch) => stream(this.options.seed, name, epoch));
      const place = order[n - first]!;
      const from = counts.slice(0, place).reduce((sum, count) => sum + count, 0);
      return pool.sort((a, b) => a.ids.length - b.ids.length).slice(from, from + counts[place]!);
    };
    return [...draw("general"), ...draw("safety")];
  }
}
