import { DiscernError } from "../../protocol/errors.ts";
import type { SupervisedRecipe } from "../../protocol/recipeStages.ts";
import { lackingPairs, type MixedGroup, mixedGroups, SafetyMix } from "../../recipe/safetyMix.ts";
import { leastOf } from "../../statistics/extremes.ts";
import { shuffled, stream, walk } from "../../statistics/random.ts";
import type { AnswersBatch, Example } from "../backend/backend.ts";
import { sharedPrefixLength } from "../backend/sharedPrefix.ts";
import { labelCount } from "../probe/answerLoss.ts";
import type { Objective } from "./objective.ts";

/** What a supervised stage draws from. */
export interface SupervisedPairs {
  readonly general: readonly Example[];
  readonly safety: readonly Example[];
  /** Seemingly toxic prompts with helpful answers. */
  readonly helpful?: readonly Example[];
  /** Triggers with helpful answers, by the safety pair that they come with. */
  readonly triggers?: ReadonlyMap<Example, Example>;
}

/** What the objective reads of a supervised stage. */
export type SupervisedOptions = Pick<
  SupervisedRecipe,
  "batchSize" | "accumulate" | "safetyRatio" | "maskPrompt"
> &
  Partial<Pick<SupervisedRecipe, "helpfulRatio">> & { readonly seed: number };

/** Batches drawn together, at the most, before they are sorted by length. */
const widestWindow = 16;

/**
 * Safety tuning (STL, Bianchi et al. 2024): next-token loss on general pairs mixed with safety pairs at a fixed ratio,
 * spread evenly over the batches, so that the strength of the mix does not wander. Helpful pairs (STL-aug) and triggers take the
 * place of general pairs: steps, pairs per step and the safety pairs of every batch are those of safety tuning without them,
 * so that methods differ in what they add and in nothing else.
 */
export class SupervisedObjective implements Objective {
  private readonly pools: Readonly<Record<MixedGroup, readonly Example[]>>;
  private readonly triggers: ReadonlyMap<Example, Example>;
  private readonly options: SupervisedOptions;
  private readonly shared: number;
  private readonly mix: SafetyMix;
  /**
   * Batches drawn together: never more than a pool has examples for, or a batch would hold one example many times. Counted as
   * if no pair took the place of a general one, so that the safety pairs of a batch do not hang on it.
   */
  private readonly window: number;

  /** @throws DiscernError("group-too-small") when a ratio asks for examples that are not there. */
  constructor(pairs: SupervisedPairs, options: SupervisedOptions) {
    const { general, safety, helpful = [], triggers = new Map() } = pairs;
    this.pools = { general, safety, helpful };
    this.mix = new SafetyMix(options);
    const { perBatch } = this.mix;
    for (const group of mixedGroups) {
      if (perBatch[group] > 0 && this.pools[group].length === 0) {
        throw new DiscernError("group-too-small", lackingPairs(options, group));
      }
    }
    const whole = [general.length / (options.batchSize - perBatch.safety), safety.length / perBatch.safety];
    const least = Math.floor(leastOf(whole.filter(Number.isFinite)));
    this.window = Math.min(widestWindow, Math.max(1, least));
    this.triggers = triggers;
    this.options = options;
    const rows = [general, safety, helpful, [...triggers.values()]].flat();
    // When prompts are learned too, every row needs its own prefix: its tokens carry loss.
    this.shared = options.maskPrompt
      ? sharedPrefixLength(rows.map(({ ids, promptLength }) => ids.slice(0, promptLength)))
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
   * The n-th batch. Each pool is walked in shuffled order; within a window of batches all are sorted by length, cut
   * into batches and these shuffled, so that rows of a batch are about equally long and little is padding.
   */
  private examples(n: number): Example[] {
    const { window, mix } = this;
    const first = Math.floor(n / window) * window;
    // order[i] is the place by length of the window's i-th batch.
    const order = shuffled([...Array(window).keys()], stream(this.options.seed, "batch", first / window));
    const place = order[n - first]!;
    const counts = (group: MixedGroup) => {
      const found = new Array<number>(window).fill(0);
      for (const [i, at] of order.entries()) found[at] = mix.count(group, first + i);
      return found;
    };
    const safety = this.cut("safety", mix.before("safety", first), counts("safety"));
    const triggers = safety.map((batch) => batch.flatMap((example) => this.triggers.get(example) ?? []));
    const general = this.cut(
      "general",
      mix.before("general", first) - this.triggersBefore(first),
      counts("general").map((count, at) => count - triggers[at]!.length),
    );
    const helpful = this.cut("helpful", mix.before("helpful", first), counts("helpful"));
    return [general, safety, triggers, helpful].flatMap((batches) => batches[place]!);
  }

  /** So many examples of a pool for each batch of a window, from a position of its walk; the shortest for the first. */
  private cut(group: MixedGroup, start: number, counts: readonly number[]): Example[][] {
    const pool = this.pools[group];
    const total = counts.reduce((sum, count) => sum + count, 0);
    const drawn = walk(pool, start, total, (epoch) => stream(this.options.seed, group, epoch));
    // A pool that is walked more than once in a window has examples twice: sorted, they would meet in one batch.
    if (total <= pool.length || this.window === 1 || group !== "helpful") {
      drawn.sort((a, b) => a.ids.length - b.ids.length);
    }
    return counts.map((count) => drawn.splice(0, count));
  }

  /** Triggers in all batches before the n-th, the first of a window: a pure function of n. */
  private triggersBefore(n: number): number {
    if (this.triggers.size === 0) return 0;
    const { safety } = this.pools;
    const position = this.mix.before("safety", n);
    const epoch = Math.floor(position / safety.length);
    const has = (examples: readonly Example[]) => examples.filter((each) => this.triggers.has(each)).length;
    const begun = shuffled(safety, stream(this.options.seed, "safety", epoch));
    return epoch * has(safety) + has(begun.slice(0, position % safety.length));
  }
}
