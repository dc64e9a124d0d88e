import type { RunSummary } from "../runs/summary.ts";

/** A step of the walkthrough that Discern can tell is done, by its id. */
export type Step = "prompts" | "model" | "label" | "run";

/**
 * The id of the step that a person does next. Whether they tried a prompt or read results is known to the editor alone: trying comes before
 * the first label or run, and reading after both.
 */
export function nextStep({ prompts, model, label, run }: Readonly<Record<Step, boolean>>): string {
  if (!prompts) return "prompts";
  if (!model) return "model";
  if (!label && !run) return "try";
  if (!label) return "label";
  return run ? "read" : "run";
}

/** Whether a run is a step of comparing methods: an experiment, or a run that trains. One that scores or evaluates a file is not. */
export function isTraining({ cells, stages }: Pick<RunSummary, "cells" | "stages">): boolean {
  return cells !== undefined || stages.length > 0;
}
