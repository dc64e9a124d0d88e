import type { Tokens } from "../backend/backend.ts";
import type { InterventionEffect } from "../backend/interventions.ts";
import type { Kept } from "../probe/kept.ts";
import type { RefusalScorer } from "../probe/refusal.ts";
import type { SteeredBackend } from "./steeredBackend.ts";

/** What an inference-time method did to one prompt. */
export interface SteeringEffect {
  /** Mean ‖Δh‖/‖h‖ over the activations and interventions; 0 where none acted. */
  readonly change: number;
  /** KL(unsteered ‖ steered) of the first answer token, in nats. */
  readonly kl: number;
  /** Refusal log-odds of the model without the method, in nats. */
  readonly unsteeredLogOdds: number;
  /** What a gate decided, and the score that it went by; absent for methods without one. */
  readonly decision?: number;
  readonly score?: number;
  /** How many of a gate's conditions hold; absent where it has one. */
  readonly holding?: number;
}

/** Prompts at a time: each has two distributions over the vocabulary in memory. */
const chunkSize = 32;

/**
 * Measures what a method does to prompts, against the same model without it. Cost a prompt: three passes over it, beside those of a
 * gate.
 *
 * @param options.kept effects that are known from an earlier time, and where those found now are kept.
 * @returns in the order of the prompts.
 */
export async function steeringEffects(
  steered: SteeredBackend,
  scorer: RefusalScorer,
  prompts: readonly Tokens[],
  { kept, onProgress }: { kept?: Kept<SteeringEffect>; onProgress?: (done: number) => void } = {},
): Promise<SteeringEffect[]> {
  const found: SteeringEffect[] = [];
  for (let start = 0; start < prompts.length; start += chunkSize) {
    const chunk = prompts.slice(start, start + chunkSize);
    const known = chunk.flatMap((_, i) => kept?.known(start + i) ?? []);
    const effects = known.length === chunk.length ? known : await chunkEffects(steered, scorer, chunk);
    if (effects !== known) await kept?.keep(effects.map((effect, i) => [start + i, effect] as const));
    for (const effect of effects) found.push(effect);
    onProgress?.(found.length);
  }
  return found;
}

async function chunkEffects(
  steered: SteeredBackend,
  scorer: RefusalScorer,
  prompts: readonly Tokens[],
): Promise<SteeringEffect[]> {
  const { base } = steered;
  const { interventions, gate } = await steered.steer(prompts);
  let effects: readonly InterventionEffect[] = [];
  const plain = await base.nextTokens(prompts);
  const changed = await base.nextTokens(prompts, {
    interventions,
    onEffects: (all) => {
      effects = all;
    },
  });
  const scores = await scorer.on(base).score(prompts);
  return prompts.map((_, i) => {
    const changes = effects.map((effect) => effect.prompts[i]!);
    return {
      change: changes.length === 0 ? 0 : changes.reduce((sum, each) => sum + each, 0) / changes.length,
      kl: divergence(plain.get(i)!, changed.get(i)!),
      unsteeredLogOdds: scores[i]!.logOdds,
      ...gate?.[i],
    };
  });
}

/** KL(p ‖ q) in nats, from log-probabilities. */
export function divergence(p: Float32Array, q: Float32Array): number {
  let sum = 0;
  for (const [i, logP] of p.entries()) {
    // What p never draws adds nothing, also where both logarithms are infinite.
    if (logP > -100) sum += Math.exp(logP) * (logP - q[i]!);
  }
  return Math.max(0, sum);
}
