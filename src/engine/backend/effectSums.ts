import type { InterventionEffect } from "./interventions.ts";

/** What one intervention did, summed over the batches of a call. */
interface Sums {
  activations: number;
  of: number;
  change: number;
  norm: number;
  /** For each prompt Σ ‖x' − x‖/‖x‖ and the number of its activations acted on. */
  readonly ratios: Float64Array;
  readonly counts: Float64Array;
}

/** Sums of lengths over some activations that an intervention acted on. */
export interface Lengths {
  readonly activations: number;
  /** Σ ‖x' − x‖. */
  readonly change: number;
  /** Σ ‖x‖. */
  readonly norm: number;
}

/** Adds up what interventions do in the batches of one call. */
export class EffectSums {
  private readonly sums: readonly Sums[];

  constructor(interventions: number, prompts: number) {
    this.sums = Array.from({ length: interventions }, () => ({
      activations: 0,
      of: 0,
      change: 0,
      norm: 0,
      ratios: new Float64Array(prompts),
      counts: new Float64Array(prompts),
    }));
  }

  /** Notes how many activations there were at an intervention's site. */
  addAll(intervention: number, activations: number): void {
    this.sums[intervention]!.of += activations;
  }

  /** Notes what was acted on. Tokens that prompts share count once. */
  add(intervention: number, { activations, change, norm }: Lengths): void {
    const sums = this.sums[intervention]!;
    sums.activations += activations;
    sums.change += change;
    sums.norm += norm;
  }

  /** Notes Σ ‖x' − x‖/‖x‖ over a prompt's activations acted on. Tokens that prompts share count for each of them. */
  addRatios(intervention: number, prompt: number, ratios: number, activations: number): void {
    const sums = this.sums[intervention]!;
    sums.ratios[prompt]! += ratios;
    sums.counts[prompt]! += activations;
  }

  /** Of each intervention what it did. */
  effects(): InterventionEffect[] {
    return this.sums.map(({ activations, of, change, norm, ratios, counts }) => {
      const mean = (sum: number) => (activations > 0 ? sum / activations : 0);
      const prompts = Float32Array.from(ratios, (sum, prompt) => sum / Math.max(1, counts[prompt]!));
      return { activations, of, change: mean(change), norm: mean(norm), prompts };
    });
  }
}
