import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import type { SuiteToFetch } from "../../suites/locate.ts";
import { registerCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import type { ModelLibrary } from "../models/library.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { requireTrust } from "../trust.ts";
import type { CheckedFiles } from "./checkedFiles.ts";
import { choosePlace } from "./choosePlace.ts";
import type { RecipeFacts } from "./facts.ts";
import { fetchSuite } from "./fetchSuite.ts";
import { CostHover } from "./hover.ts";
import { RecipeLens } from "./lens.ts";
import { showProblems } from "./problems.ts";
import { followSuiteFolder } from "./suiteFolder.ts";
import { createRecipe, type WizardGiven } from "./wizard.ts";

/** Recipes in the editor: problems, lens, costs on hover, the wizard that writes one, and suites: where they lie, and that they are fetched. */
export function registerRecipes({
  engine,
  facts,
  files,
  models,
  prompts,
}: {
  engine: Engine;
  facts: RecipeFacts;
  files: CheckedFiles;
  models: ModelLibrary;
  prompts: PromptLibrary;
}): vscode.Disposable {
  const lens = new RecipeLens(files, facts);
  const selector: vscode.DocumentSelector = { scheme: "file", pattern: `**/*${recipeSuffix}` };
  return vscode.Disposable.from(
    lens,
    followSuiteFolder(() => files.checkAll()),
    showProblems(files),
    vscode.languages.registerCodeLensProvider(selector, lens),
    vscode.languages.registerHoverProvider(selector, new CostHover(files, facts)),
    registerCommand("discern.recipe.choosePlace", (uri?: vscode.Uri) => choosePlace(files, facts, uri)),
    registerCommand("discern.suites.fetch", async (suite?: SuiteToFetch) => {
      requireTrust();
      if (await fetchSuite(engine, suite)) files.checkAll();
    }),
    registerCommand("discern.recipe.new", (given?: WizardGiven) => createRecipe(models, prompts, given)),
  );
}
