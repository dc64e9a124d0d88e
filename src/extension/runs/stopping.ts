import { duration } from "../../wording/numbers.ts";
import { isActive, type RunSummary, type Stopping } from "./summary.ts";

/** What is known of a run when it is asked to stop. */
type Asked = Pick<
  RunSummary,
  "state" | "step" | "totalSteps" | "activity" | "stepSeconds" | "last" | "cells"
> & {
  readonly label: string;
};

/**
 * What a stop does and when, from what is known at the time of asking. The step that is being computed is the last one at
 * the latest: a stop during the probe before it comes earlier.
 *
 * @param cells the runs of a comparison that are at work.
 */
export function stoppingOf(run: Asked, keepBest: boolean | null, cells: readonly Asked[] = []): Stopping {
  if (run.cells !== undefined) {
    const [cell, ...others] = cells;
    const which = cell === undefined ? "" : others.length > 0 ? `${cells.length} runs ` : `${cell.label} `;
    const when = cell === undefined || others.length > 0 ? soon : timeOf(cell);
    const saved = cell && isTraining(cell) ? "Checkpoints are written then" : "What was computed is kept";
    return {
      keepBest,
      short: `stopping ${when.at}`,
      long: `Stopping ${which}${when.at}${when.about}. ${saved}; Resume continues with all runs that are left.`,
    };
  }
  const { at, about } = timeOf(run);
  if (keepBest) {
    return {
      keepBest,
      short: `keeping best ${at}`,
      long: `Ending the stage ${at}${about}. Its best state is kept and evaluated; later stages are skipped.`,
    };
  }
  const saved = isTraining(run) ? "The checkpoint is written then" : "What was computed is kept";
  return {
    keepBest,
    short: `stopping ${at}`,
    long: `Stopping ${at}${about}. ${keepBest === null ? "" : `${saved}; Resume continues from there.`}`.trimEnd(),
  };
}

/** Whether a stop has come: nobody works on the run, or its best state is kept and only measuring is left. */
export function hasStopped(
  run: Pick<RunSummary, "state" | "step" | "totalSteps">,
  keepBest: boolean | null,
): boolean {
  return !isActive(run) || (keepBest === true && run.totalSteps !== null && run.step >= run.totalSteps);
}

const soon = { at: "after the current batch", about: "" };

function isTraining({ state, step, totalSteps, activity, last }: Asked): boolean {
  const isOver = totalSteps !== null && step >= totalSteps;
  // Before the first probe the untrained model is measured.
  return state === "running" && activity === undefined && !isOver && (step > 0 || last !== null);
}

function timeOf(run: Asked): { at: string; about: string } {
  if (run.state === "starting") return { at: "before training", about: "" };
  if (!isTraining(run)) return soon;
  const { step, stepSeconds } = run;
  const about = stepSeconds === undefined ? "" : `, about ${duration(Math.max(1, stepSeconds))}`;
  return { at: `by step ${step + 1}`, about };
}
