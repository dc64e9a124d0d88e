import type { SupervisedRecipe } from "../protocol/recipeStages.ts";

/** The groups of pairs that a supervised stage draws from by share. */
export type MixedGroup = "general" | "safety" | "helpful";
export const mixedGroups: readonly MixedGroup[] = ["general", "safety", "helpful"];

/** What of a supervised stage decides its mix. */
export type Mixed = Pick<SupervisedRecipe, "batchSize" | "safetyRatio"> &
  Partial<Pick<SupervisedRecipe, "helpfulRatio">>;

/**
 * How many pairs of each group each batch of a supervised stage draws. The safety pairs among the first n batches are
 * ⌊n·batchSize·safetyRatio + ½⌋: the share over the batches is exact to half a pair however small it is, pairs are spread as
 * evenly as whole pairs can be, and where the share of a batch is whole every batch holds it. Helpful pairs take the place of
 * general ones: of the N pairs that are not safety pairs they are ⌊N·helpfulRatio / (1 − safetyRatio) + ½⌋. So the safety pairs
 * of every batch are the same with helpful pairs as without. A pure function of n.
 */
export class SafetyMix {
  /** Mean pairs per batch; not always whole. */
  readonly perBatch: Readonly<Record<MixedGroup, number>>;
  private readonly batchSize: number;
  /** Share of helpful pairs among those that are not safety pairs. */
  private readonly helpfulShare: number;

  constructor({ batchSize, safetyRatio, helpfulRatio = 0 }: Mixed) {
    const safety = rounded(batchSize * safetyRatio);
    const others = batchSize - safety;
    const helpful = Math.min(others, rounded(batchSize * helpfulRatio));
    this.helpfulShare = others === 0 ? 0 : helpful / others;
    this.perBatch = { general: others - helpful, safety, helpful };
    this.batchSize = batchSize;
  }

  /** Pairs in all batches before the n-th (0-based). */
  before(group: MixedGroup, n: number): number {
    const safety = Math.floor(n * this.perBatch.safety + 0.5);
    if (group === "safety") return safety;
    const others = n * this.batchSize - safety;
    const helpful = Math.floor(rounded(others * this.helpfulShare) + 0.5);
    return group === "helpful" ? helpful : others - helpful;
  }

  /** Pairs in the n-th batch. */
  count(group: MixedGroup, n: number): number {
    return this.before(group, n + 1) - this.before(group, n);
  }
}

/** Products such as 0.07 × 100 miss a whole number by a rounding error. */
function rounded(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

/** The key of a supervised stage that asks for pairs of a group. */
export const ratioKey = { general: "safetyRatio", safety: "safetyRatio", helpful: "helpfulRatio" } as const;

/** What is said where a share draws pairs of a group that has none. */
export function lackingPairs(stage: Mixed, group: MixedGroup): string {
  const key = ratioKey[group];
  return (
    `A share of ${stage[key]} draws ${group} pairs, and data.${group} has none. Name a source of them ` +
    ` under data.${group}, or set the share to ${group === "general" ? 1 : 0}.`
  );
}

/**
 * Why the shares of a supervised stage cannot hold over so many steps: a share asks for pairs of a group and the whole stage
 * draws none, or a batch has no room for the triggers of its safety pairs. Null where they can.
 */
export function mixFault(
  stage: Mixed & Pick<SupervisedRecipe, "accumulate"> & Partial<Pick<SupervisedRecipe, "triggers">>,
  steps: number,
): { readonly key: "safetyRatio" | "helpfulRatio" | "triggers"; readonly message: string } | null {
  const mix = new SafetyMix(stage);
  const batches = steps * stage.accumulate;
  const pairs = batches * stage.batchSize;
  for (const group of mixedGroups) {
    if (mix.perBatch[group] === 0 || mix.before(group, batches) > 0) continue;
    const key = ratioKey[group];
    return {
      key,
      message:
        `A share of ${stage[key]} draws no ${group} pair among the ${pairs} pairs of the whole stage. ` +
        `${group === "general" ? "Lower" : "Raise"} it, lengthen the stage, or set it to ${group === "general" ? 1 : 0}.`,
    };
  }
  const most = Math.ceil(mix.perBatch.safety);
  if (stage.triggers && 2 * most > stage.batchSize) {
    return {
      key: "triggers",
      message:
        `A batch of ${stage.batchSize} pairs may draw ${most} safety pairs, and has no room for as many triggers. Lower ` +
        "safetyRatio to 0.5 or less, or take an even batchSize.",
    };
  }
  return null;
}
