import type { Batch } from "../backend/backend.ts";
import type { ContrastBatches } from "./contrastBatches.ts";
import type { Objective } from "./objective.ts";
import type { StepReport } from "./stage.ts";

/**
 * Safety tuning with a contrast that stays on: each step's loss is that on answers plus the weighted contrastive loss at layer
 * ℓ. Gradients of the contrast reach the blocks below ℓ alone; those from ℓ on, the final norm and the head learn from answers.
 */
export class WithContrast implements Objective {
  private readonly answers: Objective;
  private readonly contrast: ContrastBatches;
  private readonly weight: number;

  constructor(answers: Objective, contrast: ContrastBatches, weight: number) {
    this.answers = answers;
    this.contrast = contrast;
    this.weight = weight;
  }

  batches(step: number): Batch[] {
    return [...this.answers.batches(step), { ...this.contrast.batch(step), weight: this.weight }];
  }

  report({ separation, contrast }: Readonly<Record<string, number>>): Partial<StepReport> {
    return {
      ...(separation !== undefined && { separation }),
      ...(contrast !== undefined && { contrast }),
    };
  }

  finished(): null {
    return null;
  }
}
