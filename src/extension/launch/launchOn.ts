import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { runCommand } from "../contributions.ts";
import type { Run } from "../runs/library.ts";
import { requireTrust } from "../trust.ts";
import { type RecipeText, recipeOf, recipesOn } from "./onPrompts.ts";

/** A recipe of the workspace with where it is. */
type Found = RecipeText & { readonly uri: vscode.Uri };

/** Trains on a prompt file as its labels are now: by a recipe that uses it, or by a new one. It is checked as every run. */
export async function trainOn(file: vscode.Uri): Promise<void> {
  requireTrust();
  const found = recipesOn(await workspaceRecipes(), file.fsPath);
  type Item = vscode.QuickPickItem & { readonly uri?: vscode.Uri };
  const items: Item[] = found.map(({ recipe: { uri }, trains }) => ({
    label: `$(json) ${vscode.workspace.asRelativePath(uri)}`,
    description: trains ? "trains on this file" : "monitors or evaluates this file",
    uri,
  }));
  const fresh: Item = { label: "$(add) New Recipe with This File…" };
  const separator: Item = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const chosen = await vscode.window.showQuickPick(
    [...items, ...(items.length > 0 ? [separator] : []), fresh],
    {
      title: `Train on ${vscode.workspace.asRelativePath(file)}`,
      placeHolder: "Recipe to run with the labels as they are now",
      matchOnDescription: true,
    },
  );
  if (chosen === fresh) await runCommand("discern.recipe.new", { files: [file] });
  else if (chosen?.uri) await runCommand("discern.run.start", chosen.uri);
}

/** Runs the recipe of a run again, as the recipe, its prompts and their labels are now; asks which one where several may be meant. */
export async function runAgain({ name }: Pick<Run, "name">): Promise<void> {
  requireTrust();
  const found = recipeOf(await workspaceRecipes(), name);
  if (found === null) await runCommand("discern.run.start");
  else await runCommand(found.stlAlone ? "discern.run.startStlAlone" : "discern.run.start", found.recipe.uri);
}

/** The recipes of the workspace, as they are saved. */
async function workspaceRecipes(): Promise<Found[]> {
  const uris = await vscode.workspace.findFiles(`**/*${recipeSuffix}`, "**/node_modules/**");
  const read = uris.map(async (uri) => {
    const text = await readFile(uri.fsPath, "utf8").catch(() => null);
    return text === null ? [] : [{ uri, path: uri.fsPath, root: dirname(uri.fsPath), text }];
  });
  return (await Promise.all(read)).flat();
}
