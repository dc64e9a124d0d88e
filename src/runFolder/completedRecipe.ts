import type { Cell, Plan } from "../protocol/cells.ts";
import { DiscernError } from "../protocol/errors.ts";
import type { Recipe } from "../protocol/recipe.ts";
import { cellFolder, cellOf } from "./comparison.ts";
import { recipePath } from "./movedExperiment.ts";
import { originOf } from "./ranking.ts";
import { TrialRuns } from "./trialRuns.ts";
import { bestTrial } from "./trials.ts";

/**
 * The whole recipe of a cell: what it takes from the cells that it needs is put in. It follows from the plan and from what
 * those cells found, so that whoever resumes a plan, or looks at it, completes a recipe to the same.
 *
 * @param folder folder of the plan.
 * @throws DiscernError `run-invalid` where a cell that it needs has not finished, or no trial came to the place that it is promoted from.
 */
export async function completedRecipe(plan: Plan, folder: string, cell: Cell): Promise<Recipe> {
  if (cell.promoted !== undefined) return promotedRecipe(plan, folder, cell, cell.promoted);
  if (cell.controls !== undefined) return controlRecipe(plan, folder, cell, cell.controls);
  const tuned = cell.tuned === undefined ? cell.recipe : await tunedRecipe(plan, folder, cell, cell.tuned);
  if (cell.base === undefined) return tuned;
  return { ...tuned, model: { ...tuned.model, adapters: [pathOf(plan, folder, cell.base)] } };
}

/** The recipe with the settings of the best trial; seed, name and suites are the cell's own. */
async function tunedRecipe(
  plan: Plan,
  folder: string,
  { recipe: own }: Cell,
  { trials, measure }: NonNullable<Cell["tuned"]>,
): Promise<Recipe> {
  const best = await bestTrial(
    trials.map((name) => ({ name, folder: cellFolder(folder, { name }) })),
    measure,
  );
  const { recipe } = cellOf(plan, best);
  return { ...recipe, name: own.name, seed: own.seed, evaluate: own.evaluate };
}

/** The recipe of the controlled cell with the control; name and suites are the cell's own. */
async function controlRecipe(
  plan: Plan,
  folder: string,
  { recipe: own }: Cell,
  controlled: string,
): Promise<Recipe> {
  const recipe = await completedRecipe(plan, folder, cellOf(plan, controlled));
  const steering = recipe.steering && {
    ...recipe.steering,
    control: own.steering?.control,
    fitted: pathOf(plan, folder, controlled),
  };
  return { ...recipe, name: own.name, evaluate: own.evaluate, steering };
}

/**
 * The recipe of a trial as a run of its own has it: evaluated as the sweep's recipe is.
 *
 * @param folder folder of the plan.
 * @param name of the run.
 * @throws DiscernError as {@link completedRecipe}.
 */
export async function chosenRecipe(plan: Plan, folder: string, cell: Cell, name: string): Promise<Recipe> {
  const recipe = await completedRecipe(plan, folder, cell);
  return { ...recipe, name, evaluate: plan.sweep?.evaluate ?? recipe.evaluate };
}

/** The recipe of the trial that is promoted, with the steps of the rung; the name is the cell's own. */
async function promotedRecipe(
  plan: Plan,
  folder: string,
  cell: Cell,
  { place, steps }: NonNullable<Cell["promoted"]>,
): Promise<Recipe> {
  const origin = await originOf(plan, new TrialRuns(folder), cell);
  if (origin === null) {
    throw new DiscernError(
      "run-invalid",
      `${cell.name} has no trial to continue: fewer than ${place + 1} trials of the rung before have finished.`,
    );
  }
  const { recipe, trial } = origin;
  const stages = recipe.stages.map((stage, i) => (i === trial?.growing ? { ...stage, steps } : stage));
  return { ...recipe, stages, name: cell.recipe.name };
}

/** The run folder of a cell, as a recipe names it. */
function pathOf({ root }: Plan, folder: string, name: string): string {
  return recipePath(root, cellFolder(folder, { name }));
}
