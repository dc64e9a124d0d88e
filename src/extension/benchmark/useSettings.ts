import { basename, join } from "node:path";
import * as vscode from "vscode";
import { asFileName } from "../../protocol/fileName.ts";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { cellOf, readPlan } from "../../runFolder/comparison.ts";
import { chosenRecipe } from "../../runFolder/completedRecipe.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { requireTrust } from "../trust.ts";

/**
 * Writes a recipe with the settings of a trial, evaluated as the sweep's recipe is, and opens it. No file is replaced.
 *
 * @param folder folder of the sweep.
 * @throws DiscernError `run-invalid` for a trial whose settings are not known yet; the file system's own error.
 */
export async function useSettings(folder: vscode.Uri, name: string): Promise<void> {
  requireTrust();
  const plan = await readPlan(folder.fsPath);
  const cell = cellOf(plan, name);
  const wanted = asFileName(`${plan.name}-${cell.method}`, "recipe");
  // Its paths are relative to the folder of the sweep's recipe.
  const path = await freeRecipe(plan.root, wanted);
  const recipe = await chosenRecipe(plan, folder.fsPath, cell, basename(path, recipeSuffix));
  await writeAtomic(path, `${JSON.stringify(recipe, null, 2)}\n`);
  await vscode.window.showTextDocument(vscode.Uri.file(path));
  void vscode.window.showInformationMessage(
    `${basename(path)} has the settings of ${cell.method} and the suites of the sweep's recipe. Run it with seeds that the sweep did not have.`,
  );
}

async function freeRecipe(folder: string, wanted: string): Promise<string> {
  for (let n = 1; ; n++) {
    const path = join(folder, `${n === 1 ? wanted : `${wanted}-${n}`}${recipeSuffix}`);
    const isTaken = await vscode.workspace.fs.stat(vscode.Uri.file(path)).then(
      () => true,
      () => false,
    );
    if (!isTaken) return path;
  }
}
