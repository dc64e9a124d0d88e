import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { registerCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import type { ModelLibrary } from "../models/library.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { RunLibrary } from "../runs/library.ts";
import { CheckedFiles } from "./checkedFiles.ts";
import { RecipeFacts } from "./facts.ts";
import { CostHover } from "./hover.ts";
import { RecipeLens } from "./lens.ts";
import { showProblems } from "./problems.ts";
import { createRecipe, type WizardGiven } from "./wizard.ts";

/** Recipes in the editor: problems, lens, costs on hover, and the wizard that writes one. */
export function registerRecipes(
  context: vscode.ExtensionContext,
  engine: Engine,
  models: ModelLibrary,
  prompts: PromptLibrary,
  runs: RunLibrary,
): vscode.Disposable {
  const facts = new RecipeFacts(context, engine, runs);
  const recipes = new CheckedFiles(facts, prompts.onDidChange);
  const lens = new RecipeLens(recipes, facts);
  const selector: vscode.DocumentSelector = { scheme: "file", pattern: `**/*${recipeSuffix}` };
  return vscode.Disposable.from(
    facts,
    recipes,
    lens,
    showProblems(recipes),
    vscode.languages.registerCodeLensProvider(selector, lens),
    vscode.languages.registerHoverProvider(selector, new CostHover(recipes, facts)),
    registerCommand("discern.recipe.new", (given?: WizardGiven) => createRecipe(models, prompts, given)),
  );
}
