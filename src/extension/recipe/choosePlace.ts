import { dirname } from "node:path";
import * as vscode from "vscode";
import { recipeWork } from "../../recipe/work.ts";
import { placeItems } from "../device/places.ts";
import type { CheckedFiles } from "./checkedFiles.ts";
import type { RecipeFacts } from "./facts.ts";
import { withPlace } from "./place.ts";

/** Has a person choose where a recipe is computed, with what was measured of each place, and writes it into the recipe, unsaved. */
export async function choosePlace(
  files: CheckedFiles,
  facts: RecipeFacts,
  uri: vscode.Uri | undefined = vscode.window.activeTextEditor?.document.uri,
): Promise<void> {
  if (uri === undefined) return;
  const document = await vscode.workspace.openTextDocument(uri);
  const { recipe, counts } = await files.check(document);
  if (recipe === null) {
    void vscode.window.showWarningMessage(
      "The recipe has faults. Fix them first; they are marked in its text.",
    );
    return;
  }
  const auto = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: "Timing one decoder block on each device",
    },
    () =>
      facts.place(
        { ...recipe, backend: "auto", device: "auto" },
        dirname(uri.fsPath),
        recipeWork(recipe, counts),
      ),
  );
  const chosen = await vscode.window.showQuickPick(placeItems(recipe, [auto]), {
    title: "Backend and Device",
    placeHolder: "Where the recipe is computed",
    matchOnDescription: true,
  });
  if (chosen === undefined) return;
  // The recipe may have been closed and changed since.
  const now = await vscode.workspace.openTextDocument(uri);
  const text = now.getText();
  const edit = new vscode.WorkspaceEdit();
  const whole = new vscode.Range(now.positionAt(0), now.positionAt(text.length));
  edit.replace(uri, whole, withPlace(text, chosen));
  await vscode.workspace.applyEdit(edit);
}
