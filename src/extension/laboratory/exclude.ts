import { stat } from "node:fs/promises";
import { join } from "node:path";
import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { openRun } from "../../runFolder/folder.ts";
import { runCommand } from "../contributions.ts";
import { withoutPrompts } from "./withoutPrompts.ts";

/**
 * Writes a copy of a run's recipe whose training data leave out prompts, and opens it; it is run where the person wants that, as it was saved
 * by then. The recipe that they wrote stays as it is.
 *
 * @throws as `withoutPrompts`.
 */
export async function excludePrompts(runFolder: string, ids: readonly string[]): Promise<void> {
  const { recipe, manifest } = await openRun(runFolder);
  const { root } = manifest.recipe;
  const copy = await withoutPrompts(recipe, root, ids);
  const file = await freeRecipe(join(root, copy.name));
  await vscode.workspace.fs.writeFile(
    vscode.Uri.file(file),
    Buffer.from(`${JSON.stringify(copy, null, 2)}\n`),
  );
  await vscode.window.showTextDocument(vscode.Uri.file(file));
  const run = "Run";
  const chosen = await vscode.window.showInformationMessage(
    `A copy of the recipe leaves out ${ids.length === 1 ? "one prompt" : `${ids.length} prompts`} ("exclude"). Run it to see what changes.`,
    run,
  );
  if (chosen === run) await runCommand("discern.run.start", vscode.Uri.file(file));
}

/** The first of NAME.discern.json, NAME-2.discern.json, … that is not there. */
async function freeRecipe(path: string): Promise<string> {
  for (let n = 1; ; n++) {
    const file = `${n === 1 ? path : `${path}-${n}`}${recipeSuffix}`;
    const exists = await stat(file).then(
      () => true,
      () => false,
    );
    if (!exists) return file;
  }
}
