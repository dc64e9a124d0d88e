import { rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Stage, StageState } from "../train/stage.ts";
import { checkpointStateSchema, hasTensorFolder, readTensorFolder, writeTensorFolder } from "./checkpoint.ts";
import type { OpenStage, ProbeFigures } from "./openStage.ts";

const bestSchema = checkpointStateSchema.extend({ gap: z.number() });

/**
 * The best state of a stage so far, in a folder beside its checkpoints. Best is the widest gap on the panels: in safety
 * and preference tuning, refusal probability of toxic minus seemingly toxic prompts; in a contrast, whose refusals mean nothing yet,
 * the mean over the measured layers of the gap of cosines. Panels are never evaluated on, so this is no tuning on
 * suites.
 */
export class BestState {
  private readonly folder: string;
  private readonly stage: number;
  private readonly kind: OpenStage["kind"];
  private gap: number | null = null;

  private constructor(folder: string, stage: number, kind: OpenStage["kind"]) {
    this.folder = folder;
    this.stage = stage;
    this.kind = kind;
  }

  /** Continues with what an earlier part of the same stage kept; the best of an earlier stage is ignored. */
  static async open(root: string, stage: number, kind: OpenStage["kind"]): Promise<BestState> {
    const best = new BestState(join(root, "best"), stage, kind);
    best.gap = (await best.read())?.gap ?? null;
    return best;
  }

  /**
   * Keeps the state of a stage that was just probed, where it is better than every earlier one.
   *
   * @throws DiscernError `disk-full`, `run-unwritable`; the earlier best is then intact.
   */
  async offer(stage: Stage, globalStep: number, figures: ProbeFigures): Promise<void> {
    const gap = gapOf(this.kind, figures);
    // A comparison with NaN is false, so that such a state would be kept and never replaced by a better one.
    if (stage.step === 0 || gap === null || Number.isNaN(gap) || (this.gap !== null && gap <= this.gap))
      return;
    const { step, tensors, history } = await stage.state();
    await writeTensorFolder(this.folder, tensors, { stage: this.stage, step, globalStep, history, gap });
    this.gap = gap;
  }

  /** The best state; null where none was kept in this stage, or it is damaged. */
  async state(): Promise<StageState | null> {
    return (await this.read())?.state ?? null;
  }

  /** Takes the folder away once the stage is over: what it learned is kept elsewhere. */
  async forget(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  private async read(): Promise<{ state: StageState; gap: number } | null> {
    if (!(await hasTensorFolder(this.folder))) return null;
    const found = await readTensorFolder(this.folder, bestSchema).catch(() => null);
    if (found === null || found.record.stage !== this.stage) return null;
    const { step, history, gap } = found.record;
    return { state: { step, tensors: found.tensors, history }, gap };
  }
}

function gapOf(kind: OpenStage["kind"], { toxic, seeminglyToxic, separation }: ProbeFigures): number | null {
  if (kind !== "contrastive") {
    return toxic.mean === null || seeminglyToxic.mean === null ? null : toxic.mean - seeminglyToxic.mean;
  }
  const gaps = Object.values(separation ?? {}).filter((gap) => gap !== null);
  return gaps.length === 0 ? null : gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
}
