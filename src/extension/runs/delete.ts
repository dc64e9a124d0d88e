import { join } from "node:path";
import * as vscode from "vscode";
import { lockHolder } from "../../runFolder/lock.ts";
import type { Run } from "./library.ts";

/** Moves runs to the trash after asking; those that are worked on stay. Where there is no trash, asks once more. */
export async function deleteRuns(runs: readonly Run[]): Promise<void> {
  // The lock itself, since what is shown of a run may be seconds old.
  const held = await Promise.all(runs.map(isHeld));
  const busy = runs.filter((_, i) => held[i]);
  if (busy.length > 0) {
    void vscode.window.showWarningMessage(`${names(busy)} is active. Stop it before you delete it.`);
    return;
  }
  const move = "Move to Trash";
  const asked = await vscode.window.showWarningMessage(
    `Move ${names(runs)} to the trash?`,
    {
      modal: true,
      detail: `With the trained model, checkpoints, events and report.\n${runs.map(({ folder }) => folder.fsPath).join("\n")}`,
    },
    move,
  );
  if (asked !== move) return;
  for (const { folder, label } of runs) await moveToTrash(folder, label);
}

/** Whether somebody works on a run, or on one of those that a comparison consists of. */
async function isHeld({ folder, cells }: Run): Promise<boolean> {
  const folders = [folder.fsPath, ...(cells?.names ?? []).map((name) => join(folder.fsPath, name))];
  return (await Promise.all(folders.map(lockHolder))).some((holder) => holder !== null);
}

/** Moves a file or a folder to the trash. Where there is none, asks whether it is to be deleted for good. */
export async function moveToTrash(uri: vscode.Uri, label: string): Promise<void> {
  try {
    await vscode.workspace.fs.delete(uri, { recursive: true, useTrash: true });
  } catch (error) {
    // The first button is the default: Enter must not delete what cannot be restored.
    const keep = "Keep";
    const forever = "Delete Permanently";
    const asked = await vscode.window.showWarningMessage(
      `"${label}" could not be moved to the trash. Delete it permanently?`,
      {
        modal: true,
        detail: `${error instanceof Error ? error.message : String(error)}\nPermanent deletion cannot be undone.`,
      },
      keep,
      forever,
    );
    if (asked === forever) {
      await vscode.workspace.fs.delete(uri, { recursive: true, useTrash: false });
    }
  }
}

function names(runs: readonly Run[]): string {
  return runs.map(({ label }) => `"${label}"`).join(", ");
}
