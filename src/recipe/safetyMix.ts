/**
 * How many general and safety pairs each batch of a supervised stage draws. The safety pairs among the first n batches
 * are ⌊n·batchSize·safetyRatio + ½⌋: the share over the batches is exact to half a pair however small it is, pairs are
 * spread as evenly as whole pairs can be, and where the share of a batch is whole every batch holds it. A pure function
 * of n.
 */
export class SafetyMix {
  /** Mean pairs per batch; not always whole. */
  readonly perBatch: { readonly general: number; readonly safety: number };
  private readonly batchSize: number;

  constructor({ batchSize, safetyRatio }: { readonly batchSize: number; readonly safetyRatio: number }) {
    // Products such as 0.07 × 100 miss a whole number by a rounding error.
    const safety = Math.round(batchSize * safetyRatio * 1e9) / 1e9;
    this.perBatch = { general: batchSize - safety, safety };
    this.batchSize = batchSize;
  }

  /** Pairs in all batches before the n-th (0-based). */
  before(group: "general" | "safety", n: number): number {
    const safety = Math.floor(n * this.perBatch.safety + 0.5);
    return group === "safety" ? safety : n * this.batchSize - safety;
  }

  /** Pairs in the n-th batch. */
  count(group: "general" | "safety", n: number): number {
    return this.before(group, n + 1) - this.before(group, n);
  }
}

/** What of a supervised stage decides its mix. */
export interface Mixed {
  readonly batchSize: number;
  readonly accumulate: number;
  readonly safetyRatio: number;
}

/**
 * Why a safety ratio cannot hold over a stage of so many steps: it asks for pairs of a group and the whole stage draws
 * none. Null where it can.
 */
export function mixFault(stage: Mixed, steps: number): string | null {
  const mix = new SafetyMix(stage);
  const batches = steps * stage.accumulate;
  for (const group of ["safety", "general"] as const) {
    const share = group === "safety" ? stage.safetyRatio : 1 - stage.safetyRatio;
    if (share > 0 && mix.before(group, batches) === 0) {
      return (
        `A share of ${stage.safetyRatio} draws no ${group} pair among the ${batches * stage.batchSize} pairs of the whole stage. ` +
        `${group === "safety" ? "Raise" : "Lower"} it, lengthen the stage, or set it to ${group === "safety" ? 0 : 1}.`
      );
    }
  }
  return null;
}
