import type { PreferenceRecipe } from "../../protocol/recipeStages.ts";
import type { Backend, Example } from "../backend/backend.ts";

/** A prompt with two answers, as tokens. */
export interface PreferencePair {
  readonly chosen: Example;
  readonly rejected: Example;
}

/** A pair with ℓ_ref, the log-probability of each of its answers (nats) under the reference. */
export interface ReferencedPair extends PreferencePair {
  readonly reference: { readonly chosen: number; readonly rejected: number };
}

/** What of a preference stage makes the loss of a pair. */
export type PreferenceKeys = Pick<PreferenceRecipe, "beta" | "labelSmoothing">;

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
