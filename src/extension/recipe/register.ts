import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { registerCommand } from "../contributions.ts";
import type { ModelLibrary } from "../models/library.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { CheckedFiles } from "./checkedFiles.ts";
import { choosePlace } from "./choosePlace.ts";
import type { RecipeFacts } from "./facts.ts";
import { CostHover } from "./hover.ts";
import { RecipeLens } from "./lens.ts";
import { showProblems } from "./problems.ts";
import { createRecipe, type WizardGiven } from "./wizard.ts";

/** Recipes in the editor: problems, lens, costs on hover, and the wizard that writes one. */
export function registerRecipes({
  facts,
  files,
  models,
  prompts,
}: {
  facts: RecipeFacts;
  files: CheckedFiles;
  models: ModelLibrary;
  prompts: PromptLibrary;
}): vscode.Disposable {
  const lens = new RecipeLens(files, facts);
  const selector: vscode.DocumentSelector = { scheme: "file", pattern: `**/*${recipeSuffix}` };
  return vscode.Disposable.from(
    lens,
    showProblems(files),
    vscode.languages.registerCodeLensProvider(selector, lens),
    vscode.languages.registerHoverProvider(selector, new CostHover(files, facts)),
    registerCommand("discern.recipe.choosePlace", (uri?: vscode.Uri) => choosePlace(files, facts, uri)),
    registerCommand("discern.recipe.new", (given?: WizardGiven) => createRecipe(models, prompts, given)),
  );
}
