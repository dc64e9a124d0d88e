import type { ContrastiveRecipe } from "../../protocol/recipeStages.ts";
import { greatestOf } from "../../statistics/extremes.ts";
import { shuffled, stream, walk } from "../../statistics/random.ts";
import type { Anchor, Backend, ContrastBatch, Tokens } from "../backend/backend.ts";
import { ContrastBatches, type ContrastOptions } from "./contrastBatches.ts";
import type { ContrastPrompt } from "./contrastSampler.ts";
import type { Objective } from "./objective.ts";
import type { StageEnd, StepReport } from "./stage.ts";

/** What the stage reads of its recipe, with the layer chosen. */
export type ContrastiveStageOptions = ContrastOptions & Pick<ContrastiveRecipe, "retention" | "stop">;

/** Logits of a whole row would cost more than the rest of the step; KL looks at this many tokens of each row. */
const klTokens = 2;
/** A stop rule looks at the mean of so many steps: single batches are noisy. */
const stopWindow = 5;

/**
 * Contrastive refinement (DCR, stage 1): a metric-learning loss on features at layer ℓ of toxic and seemingly toxic
 * prompts, plus a weighted retention term that holds general features where they were. Features are the input of
 * block ℓ (`hidden_states[ℓ]`); blocks from ℓ on, the final norm and the head are neither run nor trained. KL retention
 * alone runs norm and head, as constants.
 */
export class ContrastiveObjective implements Objective {
  private readonly contrast: ContrastBatches;
  private readonly anchors: readonly Anchor[];
  private readonly options: ContrastiveStageOptions;

  private constructor(
    contrast: ContrastBatches,
    anchors: readonly Anchor[],
    options: ContrastiveStageOptions,
  ) {
    this.contrast = contrast;
    this.anchors = anchors;
    this.options = options;
  }

  /**
   * Prepares the stage: computes, with the model as it is before training, the features that retention compares with, and
   * the centre.
   *
   * @param general tokens of general prompts with their answers, from which retention batches are drawn; each is cut to
   *   the length of the longest prompt of the contrast.
   * @throws DiscernError("group-too-small") when a group of the contrast has fewer than two prompts.
   */
  static async create(
    backend: Backend,
    prompts: readonly ContrastPrompt[],
    general: readonly Tokens[],
    options: ContrastiveStageOptions,
  ): Promise<ContrastiveObjective> {
    // Rows of a batch are padded to its longest: anchors longer than every prompt would pad all the prompts.
    const longest = greatestOf(prompts.map(({ ids }) => ids.length));
    const kept = options.retention.type === "none" ? [] : general.map((ids) => ids.slice(0, longest));
    const contrast = await ContrastBatches.create(backend, prompts, options, kept);
    const anchors = kept.length === 0 ? [] : await anchorFeatures(backend, kept, contrast.shared, options);
    return new ContrastiveObjective(contrast, anchors, options);
  }

  batches(step: number): ContrastBatch[] {
    const { retention } = this.options;
    const anchors = this.drawAnchors(step);
    const batch = this.contrast.batch(step);
    if (retention.type === "none" || anchors.length === 0) return [batch];
    return [{ ...batch, retention: { type: retention.type, weight: retention.weight, anchors } }];
  }

  report({ separation, retention }: Readonly<Record<string, number>>): Partial<StepReport> {
    return { separation, ...(retention === undefined ? {} : { retention }) };
  }

  finished(history: Readonly<Record<string, readonly number[]>>): Exclude<StageEnd, "steps"> | null {
    const { stop } = this.options;
    const recent = (name: string): number => {
      const values = (history[name] ?? []).slice(-stopWindow);
      return values.length < stopWindow ? Number.NaN : values.reduce((sum, x) => sum + x, 0) / stopWindow;
    };
    if (stop.retention !== undefined && recent("retention") > stop.retention) return "retention";
    if (stop.separation !== undefined && recent("separation") > stop.separation) return "separation";
    return null;
  }

  private drawAnchors(step: number): Anchor[] {
    const { retention, seed } = this.options;
    if (!this.anchors.length) return [];
    const count = Math.min(retention.batch, this.anchors.length);
    return walk(this.anchors, step * count, count, (epoch) => stream(seed, "retention", epoch));
  }
}

/** Runs the model as it is over the general rows and keeps the features that retention compares with. */
async function anchorFeatures(
  backend: Backend,
  general: readonly Tokens[],
  shared: number,
  { layer, retention, seed }: ContrastiveStageOptions,
): Promise<Anchor[]> {
  const rows = [...general].sort((a, b) => a.length - b.length);
  const positions = rows.map((row, i) => {
    const own = Array.from({ length: row.length - shared }, (_, t) => shared + t);
    return retention.type === "kl" ? shuffled(own, stream(seed, "kl", i)).slice(0, klTokens) : own;
  });
  const features = await backend.features(rows, { layers: [layer], pooling: { positions }, shared });
  const { data, width } = features.get(layer)!;
  let start = 0;
  return rows.map((ids, i) => {
    const own = data.subarray(start, start + positions[i]!.length * width);
    start += own.length;
    return { ids, positions: positions[i]!, features: own };
  });
}
