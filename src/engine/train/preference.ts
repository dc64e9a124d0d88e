import type { PreferenceRecipe } from "../../protocol/recipeStages.ts";
import { SafetyMix } from "../../recipe/safetyMix.ts";
import { stream, walk } from "../../statistics/random.ts";
import type { AnswersBatch, Backend, Example } from "../backend/backend.ts";
import { sharedPrefixLength } from "../backend/sharedPrefix.ts";
import {
  logProbabilities,
  type PreferencePair,
  preferenceLoss,
  type ReferencedPair,
} from "../probe/preferenceLoss.ts";
import type { Objective, WeighedStep } from "./objective.ts";
import type { StepReport } from "./stage.ts";

/** Pairs by what they teach: to answer seemingly toxic prompts, and to keep refusing toxic ones. */
export interface PreferencePairs<P extends PreferencePair = PreferencePair> {
  readonly helpful: readonly P[];
  readonly safety: readonly P[];
}

/** What the objective reads of a preference stage. */
export type PreferenceOptions = Pick<
  PreferenceRecipe,
  "batchSize" | "accumulate" | "safetyRatio" | "beta" | "labelSmoothing"
> & { readonly seed: number };

/**
 * The pairs that each micro-batch of a step draws, a pure function of seed and step.
 *
 * @param pairs at least one; where a group has none, all are drawn from the other.
 */
export function preferenceDraws<P extends PreferencePair>(
  { helpful, safety }: PreferencePairs<P>,
  { batchSize, accumulate, seed, ...options }: PreferenceOptions,
): (step: number) => P[][] {
  const safetyRatio = helpful.length === 0 ? 1 : safety.length === 0 ? 0 : options.safetyRatio;
  const mix = new SafetyMix({ batchSize, safetyRatio });
  return (step) =>
    Array.from({ length: accumulate }, (_, i) => {
      const n = step * accumulate + i;
      const of = (group: "general" | "safety", own: readonly P[]) =>
        walk(own, mix.before(group, n), mix.count(group, n), (epoch) =>
          stream(seed, "preference", group, epoch),
        );
      return [...of("general", helpful), ...of("safety", safety)];
    });
}

/**
 * Preference tuning (DPO): the mean of `preferenceLoss` over the pairs of a step. The reference is the model as the stage found
 * it. The gradient is exact: a forward pass gives Δ of each pair, and the passes are next-token losses whose weights are the
 * derivatives by ℓ_π, −slope for y⁺ and slope for y⁻, per pair.
 */
export class PreferenceObjective implements Objective {
  private readonly backend: Backend;
  private readonly options: PreferenceOptions;
  private readonly drawn: (step: number) => ReferencedPair[][];
  private readonly shared: number;

  /** @param pairs at least one; where a group has none, all are drawn from the other. */
  constructor(backend: Backend, pairs: PreferencePairs<ReferencedPair>, options: PreferenceOptions) {
    const { helpful, safety } = pairs;
    this.backend = backend;
    this.options = options;
    this.drawn = preferenceDraws(pairs, options);
    const prompts = [...helpful, ...safety].flatMap(({ chosen, rejected }) =>
      [chosen, rejected].map(({ ids, promptLength }) => ids.slice(0, promptLength)),
    );
    this.shared = sharedPrefixLength(prompts);
  }

  batches(step: number): AnswersBatch[] {
    return this.drawn(step).flatMap((pairs) => this.passes(pairs, undefined));
  }

  async weigh(step: number): Promise<WeighedStep> {
    const drawn = this.drawn(step);
    const all = drawn.flat();
    const now = await logProbabilities(this.backend, all);
    const { beta } = this.options;
    const deltas = all.map(
      ({ reference }, i) => now[i]!.chosen - reference.chosen - (now[i]!.rejected - reference.rejected),
    );
    const each = deltas.map((delta) => preferenceLoss(delta, this.options));
    const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / all.length;
    const slopes = each.map(({ slope }) => slope / all.length);
    const passes = drawn.flatMap((pairs) => this.passes(pairs, slopes.splice(0, pairs.length)));
    return {
      passes,
      loss: mean(each.map(({ loss }) => loss)),
      metrics: {
        margin: beta * mean(deltas),
        accuracy: mean(deltas.map((delta) => (delta > 0 ? 1 : 0))),
      },
    };
  }

  report({ margin, accuracy }: Readonly<Record<string, number>>): Partial<StepReport> {
    return { ...(margin !== undefined && { margin }), ...(accuracy !== undefined && { accuracy }) };
  }

  finished(): null {
    return null;
  }

  /** The passes of a micro-batch: preferred answers, then rejected ones. */
  private passes(pairs: readonly ReferencedPair[], slopes: readonly number[] | undefined): AnswersBatch[] {
    const pass = (examples: readonly Example[], sign: 1 | -1): AnswersBatch => ({
      kind: "answers",
      examples,
      maskPrompt: true,
      weight: 1,
      ...(slopes && { weights: slopes.map((slope) => sign * slope) }),
      shared: this.shared,
    });
    return [
      pass(
        pairs.map(({ chosen }) => chosen),
        -1,
      ),
      pass(
        pairs.map(({ rejected }) => rejected),
        1,
      ),
    ];
  }
}
