import * as vscode from "vscode";
import { runCommand } from "../contributions.ts";

const suffix = ".discern.json";

/**
 * The recipe that is to be run: the one given, the one in the active editor, or one that is picked.
 *
 * @returns undefined when none was picked, or a new one is made first.
 */
export async function pickRecipe(given: unknown): Promise<vscode.Uri | undefined> {
  if (given instanceof vscode.Uri) return given;
  const active = vscode.window.activeTextEditor?.document.uri;
  if (active?.scheme === "file" && active.path.endsWith(suffix)) return active;
  const found = await vscode.workspace.findFiles(`**/*${suffix}`, "**/node_modules/**");
  type Item = vscode.QuickPickItem & { uri?: vscode.Uri };
  const items: Item[] = found
    .map((uri) => ({ label: `$(json) ${vscode.workspace.asRelativePath(uri)}`, uri }))
    .sort((a, b) => a.label.localeCompare(b.label));
  const separator: Item = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const fresh: Item = { label: `$(add) New Recipe…` };
  const chosen = await vscode.window.showQuickPick([...items, separator, fresh], {
    placeHolder: "Recipe to run",
  });
  if (chosen === fresh) await runCommand("discern.recipe.new");
  return chosen?.uri;
}
