import { resolve } from "node:path";
import type { ModelState } from "../../protocol/probe/result.ts";
import type { RecipeInput } from "../../protocol/recipe.ts";
import { openRun, stateFolder } from "../../runFolder/folder.ts";
import { type Model, recipeName } from "./find.ts";

/** A model as recipes name it, and as people do. */
export interface AskedModel {
  readonly name: string;
  readonly base: string;
  readonly adapters: readonly string[];
  /** How prompts are put to it, where that is known not to be the model's own way: a run's model is asked as it was trained. */
  readonly asked?: Pick<RecipeInput, "template" | "chat"> | undefined;
}

/** A state of a run that can be chosen. */
export interface ChosenState {
  readonly state: Pick<ModelState, "name" | "stage">;
  /** Whether it is what the finished run trained, which has the run's own name. */
  readonly isResult: boolean;
}

/**
 * The model of a run at a state: its base model, what the run began with, and what its stages had learned by then.
 *
 * @param label name of the run. @param found models on this machine, whose names are preferred to paths.
 * @throws DiscernError `run-invalid`.
 */
export async function modelOfState(
  folder: string,
  label: string,
  { state, isResult }: ChosenState,
  found: readonly Model[],
): Promise<AskedModel> {
  const { recipe, manifest } = await openRun(folder);
  const model = found.find(({ path }) => path === manifest.model.path);
  const began = recipe.model.adapters.map((named) => resolve(manifest.recipe.root, named));
  // A run that trained the weights themselves wrote a whole model, which holds what it began with.
  const isWhole = isResult && recipe.stages.some(({ train }) => train.method === "full");
  return {
    name: isResult ? label : `${label} at ${state.name}`,
    base: model ? recipeName(model) : manifest.model.path,
    adapters: [
      ...(isWhole ? [] : began),
      ...(state.stage === null ? [] : [isResult ? folder : stateFolder(folder, state)]),
    ],
    asked: { template: recipe.template, chat: recipe.chat },
  };
}

/** A state in words: which stage, and how far it had come. */
export function stateWords(
  { stage, step, name }: ModelState,
  stages: readonly { readonly kind: string }[],
): { readonly label: string; readonly description: string } {
  if (stage === null) return { label: name, description: "before training" };
  const kind = stages[stage]?.kind;
  const which = stages.length > 1 ? `stage ${stage + 1} of ${stages.length}` : "the stage";
  const what = kind === undefined ? which : `${which} (${kind})`;
  const isEnd = name === `stage-${stage}`;
  return { label: name, description: isEnd ? `end of ${what}, ${step} steps` : `step ${step} of ${what}` };
}
