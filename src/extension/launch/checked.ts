import { dirname } from "node:path";
import * as vscode from "vscode";
import type { Recipe } from "../../protocol/recipe.ts";
import type { RecipeFacts } from "../recipe/facts.ts";
import { runsFolder } from "../runs/folders.ts";
import { preflight } from "./preflight.ts";
import { findRoom } from "./room.ts";
import { passesFindings } from "./showFindings.ts";

/**
 * Saves a recipe, checks whether it can be run and shows what prevents it.
 *
 * @returns the recipe as it will run, every default stated; undefined where it must be fixed first.
 * @throws as `Engine.call`.
 */
export async function checkedRecipe(
  facts: RecipeFacts,
  recipe: vscode.Uri,
  stlAlone: boolean,
): Promise<Recipe | undefined> {
  const text = await savedText(recipe);
  const root = dirname(recipe.fsPath);
  const found = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: `Checking ${vscode.workspace.asRelativePath(recipe)}`,
    },
    () =>
      preflight(
        { text, root, stlAlone },
        {
          model: (name) => facts.model(name, root),
          room: () => findRoom(runsFolder(recipe)),
          machine: (...about) => facts.machine(...about),
          place: (asked) => facts.place(asked, root),
          starter: facts.starter,
        },
      ),
  );
  const passed = await passesFindings(recipe, found.findings, found.cost, found.plan);
  return passed ? (found.recipe ?? undefined) : undefined;
}

/** Writes what is unsaved in the editor of a recipe or comparison. @returns the text as it now is. */
export async function savedText(recipe: vscode.Uri): Promise<string> {
  const document = await vscode.workspace.openTextDocument(recipe);
  if (document.isDirty && !(await document.save())) {
    throw new Error(`${vscode.workspace.asRelativePath(recipe)} could not be saved.`);
  }
  return document.getText();
}
