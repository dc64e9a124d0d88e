import type { PreferenceRecipe } from "../../protocol/recipeStages.ts";
import { SafetyMix } from "../../recipe/safetyMix.ts";
import { stream, walk } from "../../statistics/random.ts";
import type { AnswersBatch, Backend, Example } from "../backend/backend.ts";
import { sharedPrefixLength } from "../backend/sharedPrefix.ts";
import type { Objective, WeighedStep } from "./objective.ts";
import type { StepReport } from "./stage.ts";

/** A prompt with two answers, as tokens. */
export interface PreferencePair {
  readonly chosen: Example;
  readonly rejected: Example;
}

/** A pair with ℓ_ref, the log-probability of each of its answers (nats) under the reference. */
export interface ReferencedPair extends PreferencePair {
  readonly reference: { readonly chosen: number; readonly rejected: number };
}

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

/** What of a preference stage makes the loss of a pair. */
export type PreferenceKeys = Pick<PreferenceOptions, "beta" | "labelSmoothing">;

/**
 * The loss of one pair and its derivative by Δ = (ℓ_π(y⁺) − ℓ_ref(y⁺)) − (ℓ_π(y⁻) − ℓ_ref(y⁻)), in nats:
 * L = −(1 − ε)·ln σ(βΔ) − ε·ln σ(−βΔ) (Rafailov et al. 2023, eq. 7; ε: conservative DPO, Mitchell 2023). ∂L/∂ℓ_π(y⁺) is
 * `slope`, ∂L/∂ℓ_π(y⁻) its opposite.
 */
export function preferenceLoss(
  delta: number,
  { beta, labelSmoothing }: PreferenceKeys,
): { loss: number; slope: number } {
  const margin = beta * delta;
  const loss = (1 - labelSmoothing) * softplus(-margin) + labelSmoothing * softplus(margin);
  const slope = -beta * ((1 - labelSmoothing) * sigmoid(-margin) - labelSmoothing * sigmoid(margin));
  return { loss, slope };
}

function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/**
 * The log-probabilities (nats) of the answers of pairs with the model as it is, summed over an answer's tokens, the one that
 * ends it included, without normalising by length. Before the first step they are ℓ_ref. Cost: one forward pass over both answers.
 */
export async function logProbabilities(
  backend: Backend,
  pairs: readonly PreferencePair[],
): Promise<ReferencedPair["reference"][]> {
  const losses = await backend.losses(pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]));
  return pairs.map((_, i) => ({ chosen: -losses[2 * i]!.loss, rejected: -losses[2 * i + 1]!.loss }));
}

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
