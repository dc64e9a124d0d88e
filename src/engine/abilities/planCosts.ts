import { availableParallelism } from "node:os";
import { resolveModel } from "../../modelsHome/home.ts";
import type { Cell, Plan } from "../../protocol/cells.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { addedEvaluation } from "../../recipe/addedEvaluation.ts";
import { type Cost, estimateCost, type Machine } from "../../recipe/cost.ts";
import type { ModelFacts } from "../../recipe/modelFacts.ts";
import { cellFolder } from "../../runFolder/comparison.ts";
import { completedRecipe } from "../../runFolder/completedRecipe.ts";
import { costParts } from "../../runFolder/costParts.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { openRun, runPaths } from "../../runFolder/folder.ts";
import { recipeNamedFrom } from "../../runFolder/movedExperiment.ts";
import { measuredSpeed } from "../../runFolder/speed.ts";
import { inspectModel } from "../model/load.ts";
import type { CellState } from "../run/cells.ts";

/**
 * What each cell of a plan costs, by name: as it was measured in cells that have finished, else estimated with the speed of those,
 * else of this machine as a whole.
 *
 * @returns null for a cell whose model cannot be read.
 */
export async function planCosts(
  plan: Plan,
  folder: string,
  states: ReadonlyMap<string, CellState>,
): Promise<Map<string, Cost | null>> {
  const finished = plan.cells.filter(({ name }) => states.get(name) === "finished");
  const machine = await measuredMachine(finished, folder);
  const models = new Map<string, ModelFacts | null>();
  const costs = new Map<string, Cost | null>();
  for (const cell of plan.cells) {
    const { name } = cell;
    const recipe =
      states.get(name) === "to evaluate" ? await evaluationLeft(plan, folder, cell) : whole(cell);
    const { base } = recipe.model;
    const known = models.get(base);
    const model = known === undefined ? await factsOf(base, plan.root) : known;
    models.set(base, model);
    const prompts = plan.benchmark?.suites;
    const suites = recipe.evaluate.suites.reduce(
      (sum, suite) => sum + (prompts?.find((one) => one.suite === suite.name)?.prompts ?? 0),
      0,
    );
    costs.set(name, model && estimateCost(recipe, model, machine, suites > 0 ? { suites } : {}));
  }
  return costs;
}

/** What a cell that has not begun computes. */
function whole({ recipe, controls }: Cell): Recipe {
  // A control takes what the method that it controls fitted.
  return controls === undefined ? recipe : { ...recipe, steering: undefined };
}

/** What a cell that has finished computes for the suites that were added to its recipe. */
async function evaluationLeft(plan: Plan, folder: string, cell: Cell): Promise<Recipe> {
  const recipe = await completedRecipe(plan, folder, cell);
  const begun = recipeNamedFrom(plan.root, folder, await openRun(cellFolder(folder, cell)));
  const added = new Set(addedEvaluation(begun, recipe)?.suites);
  const suites = recipe.evaluate.suites.filter(({ name }) => added.has(name));
  return { ...recipe, stages: [], steering: undefined, evaluate: { ...recipe.evaluate, suites } };
}

async function factsOf(model: string, root: string): Promise<ModelFacts | null> {
  try {
    const found = await inspectModel(await resolveModel(model, [root]));
    return { ...found, linears: [...found.linears] };
  } catch (error) {
    if (error instanceof DiscernError) return null;
    throw error;
  }
}

/** The speed of this machine in the newest cells that have finished: steps of each kind, and answers. */
async function measuredMachine(finished: readonly Cell[], folder: string): Promise<Machine> {
  let tokensPerSecond: Machine["tokensPerSecond"] = {};
  let [seconds, answers] = [0, 0];
  for (const cell of finished) {
    const place = cellFolder(folder, cell);
    tokensPerSecond = { ...tokensPerSecond, ...(await measuredSpeed(place)) };
    const events = readEvents(runPaths(place).events);
    for (const event of events) if (event.type === "suite-answered") answers += event.prompts;
    seconds += costParts(events).find(({ part }) => part === "evaluation")?.seconds ?? 0;
  }
  return {
    cores: availableParallelism(),
    tokensPerSecond,
    ...(answers > 0 && seconds > 0 && { secondsPerAnswer: seconds / answers }),
  };
}
