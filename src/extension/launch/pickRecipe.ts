import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { runCommand } from "../contributions.ts";

const recipes = [recipeSuffix];

/**
 * The recipe that is to be run: the one given, the one in the active editor, or one that is picked.
 *
 * @param suffixes what names of the files end in that are meant; recipes alone where left out.
 * @returns undefined when none was picked, or a new one is made first.
 */
export async function pickRecipe(
  given: unknown,
  suffixes: readonly string[] = recipes,
): Promise<vscode.Uri | undefined> {
  if (given instanceof vscode.Uri) return given;
  const active = vscode.window.activeTextEditor?.document.uri;
  if (active?.scheme === "file" && suffixes.some((suffix) => active.path.endsWith(suffix))) return active;
  const pattern = suffixes.length === 1 ? suffixes[0]! : `{${suffixes.join(",")}}`;
  const found = await vscode.workspace.findFiles(`**/*${pattern}`, "**/node_modules/**");
  type Item = vscode.QuickPickItem & { uri?: vscode.Uri };
  const items: Item[] = found
    .map((uri) => ({ label: `$(json) ${vscode.workspace.asRelativePath(uri)}`, uri }))
    .sort((a, b) => a.label.localeCompare(b.label));
  const separator: Item = { label: "", kind: vscode.QuickPickItemKind.Separator };
  const fresh: Item = { label: `$(add) New Recipe…` };
  const chosen = await vscode.window.showQuickPick([...items, separator, fresh], {
    placeHolder: suffixes.length === 1 ? "Recipe to run" : "Recipe or comparison to run",
  });
  if (chosen === fresh) await runCommand("discern.recipe.new");
  return chosen?.uri;
}
