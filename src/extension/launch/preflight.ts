import { resolveSource } from "../../dataset/select.ts";
import type { DeviceChoice } from "../../protocol/device.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Work } from "../../protocol/work.ts";
import { checkRecipeText, locatedProblem, type PlacedProblem } from "../../recipe/check.ts";
import { type Cost, estimateCost, type Machine } from "../../recipe/cost.ts";
import { laboratoryLines } from "../../recipe/laboratoryCost.ts";
import { knownModel, type ModelFacts } from "../../recipe/modelFacts.ts";
import { placedMemory } from "../../recipe/placedMemory.ts";
import { readRecipe } from "../../recipe/recipeFile.ts";
import { recipeWork } from "../../recipe/work.ts";
import { choiceShort } from "../device/places.ts";
import type { Finding, Remedy } from "./finding.ts";
import { checkRoom, type Room } from "./room.ts";

/** What is to be started. */
export interface Order {
  /** Text of the recipe file. */
  readonly text: string;
  /** Folder of the recipe, against which its paths are resolved. */
  readonly root: string;
  /** Whether the contrastive stages are left out. */
  readonly stlAlone: boolean;
}

/** What preflight asks of others. */
export interface PreflightDoors {
  /** What the engine says of a model. @throws DiscernError as the engine threw it. */
  readonly model: (name: string) => Promise<ModelFacts>;
  readonly room: () => Promise<Room>;
  /** Cores, and the speed of earlier runs of a model where it would be computed; null where that is not known. */
  readonly machine: (model: ModelFacts, recipe: Recipe, choice: DeviceChoice | null) => Promise<Machine>;
  /** Where a recipe would be computed, and why; `work` as `recipeWork` gives it. @throws DiscernError `python-unusable`, … */
  readonly place: (recipe: Recipe, work: Work | null) => Promise<DeviceChoice>;
  /** Folder of the starter set. */
  readonly starter: string;
}

export interface Preflight {
  readonly findings: readonly Finding[];
  /** The recipe as it will run; null where the text is none. */
  readonly recipe: Recipe | null;
  /** Null where recipe or model could not be read. */
  readonly cost: Cost | null;
  /** Where it is computed and what stays in memory, in whole sentences; none where that is not known. */
  readonly plan: readonly string[];
}

/**
 * Looks for everything that would end a run later on: faults of the recipe, its prompts and its model, memory, disk,
 * permissions.
 *
 * @throws what a door throws that says nothing of the recipe, such as an engine that does not start.
 */
export async function preflight(order: Order, doors: PreflightDoors): Promise<Preflight> {
  let model: ModelFacts | null = null;
  // The faults of a text are those of the file as it stands, at its own places.
  const isReduced = order.stlAlone && readRecipe(order.text).recipe !== null;
  const text = isReduced ? withoutContrast(order.text) : order.text;
  const { recipe, problems, counts } = await checkRecipeText(text, {
    root: order.root,
    starter: doors.starter,
    async model(name) {
      model = await doors.model(name);
      return knownModel(model);
    },
  });
  const findings = findingsOf(problems, { ...order, isReduced }, recipe, doors.starter);
  const room = await doors.room();
  const planned =
    recipe && model
      ? await placement(recipe, model, room, () => doors.place(recipe, recipeWork(recipe, counts)))
      : { findings: [], plan: [], choice: null };
  const cost =
    recipe && model
      ? estimateCost(recipe, model, await doors.machine(model, recipe, planned.choice), counts)
      : null;
  return {
    findings: [...findings, ...planned.findings, ...checkRoom(room, cost)],
    recipe,
    cost,
    plan: [...planned.plan, ...(cost ? laboratoryLines([cost.laboratory]) : [])],
  };
}

/** Where a recipe is computed and what stays in memory, and what is wrong with either. */
export async function placement(
  recipe: Recipe,
  model: ModelFacts,
  { memory: { free } }: Room,
  choose: () => Promise<DeviceChoice>,
): Promise<{ findings: Finding[]; plan: string[]; choice: DeviceChoice | null }> {
  try {
    const choice = await choose();
    const where = `Computed on ${choiceShort(choice)}: ${choice.reason}.`;
    const memory = placedMemory(recipe, model, free, choice);
    if (memory === null) return { findings: [], plan: [where], choice };
    const { refusal, text } = memory;
    if (refusal === null) return { findings: [], plan: [where, text], choice };
    const finding: Finding = { severity: "fault", message: refusal, remedy: { kind: "recipe" } };
    return { findings: [finding], plan: [where], choice };
  } catch (error) {
    if (!(error instanceof DiscernError)) throw error;
    const remedy: Remedy = error.code === "python-unusable" ? { kind: "python" } : { kind: "recipe" };
    return { findings: [{ severity: "fault", message: error.message, remedy }], plan: [], choice: null };
  }
}

/** The text of a sound recipe without contrastive stages. */
function withoutContrast(text: string): string {
  const value = JSON.parse(text) as { stages: { type: string }[] };
  return JSON.stringify({ ...value, stages: value.stages.filter(({ type }) => type !== "contrastive") });
}

/** What is to be checked, and whether its text was reduced to safety tuning: places in it are then not those of the file. */
interface Checked extends Order {
  readonly isReduced: boolean;
}

/** The problems of a recipe as findings, with what can be done about each; without those that a recipe only has reported. */
export function findingsOf(
  problems: readonly PlacedProblem[],
  order: Checked,
  recipe: Recipe | null,
  starter: string,
): Finding[] {
  return problems
    .filter(({ severity }) => severity !== "information")
    .map((problem) => ({
      severity: problem.severity === "error" ? "fault" : "warning",
      message: order.isReduced ? problem.message : locatedProblem(problem, order.text),
      remedy: remedy(problem, order, recipe, starter),
    }));
}

function remedy(
  { about, offset, file }: PlacedProblem,
  { root, isReduced }: Checked,
  recipe: Recipe | null,
  starter: string,
): Remedy {
  if (about === "model-missing") return { kind: "pull" };
  const prompts = file ?? (about === "group-too-small" ? recipe?.data.contrast[0]?.file : undefined);
  if ((about === "group-too-small" || about === "dataset-empty") && prompts !== undefined) {
    // The starter set is complete as it is; too few of its prompts were chosen by the recipe.
    if (!prompts.startsWith("starter:"))
      return { kind: "label", file: resolveSource(prompts, { root, starter }) };
  }
  return isReduced ? { kind: "recipe" } : { kind: "recipe", offset };
}
