import { basename } from "node:path";
import * as vscode from "vscode";
import { type ProbeResult, probeSuffix } from "../../protocol/probe/result.ts";
import { readProbeResult, writeProbeCsv } from "../../runFolder/probeFile.ts";
import { registerCommand } from "../contributions.ts";
import { moveToTrash } from "../runs/delete.ts";
import type { RunLibrary } from "../runs/library.ts";
import { openResult } from "./measure.ts";

/** A row of a result in the Runs view. */
interface ResultTarget {
  readonly result: string;
}

/** The commands of a result's row in the Runs view. */
export function resultCommands(library: RunLibrary): vscode.Disposable[] {
  return [
    registerCommand("discern.laboratory.open", ({ result }: ResultTarget) =>
      openResult(vscode.Uri.file(result)),
    ),
    registerCommand("discern.laboratory.reveal", ({ result }: ResultTarget) =>
      vscode.commands.executeCommand("revealFileInOS", vscode.Uri.file(result)),
    ),
    registerCommand("discern.laboratory.exportData", async ({ result }: ResultTarget) =>
      exportData(vscode.Uri.file(result), await readProbeResult(result)),
    ),
    registerCommand(
      "discern.laboratory.delete",
      async (given: ResultTarget, selected?: readonly object[]) => {
        // Runs and lines about them may be selected besides.
        const marked = (selected ?? []).filter((node): node is ResultTarget => "result" in node);
        await deleteResults((marked.length > 0 ? marked : [given]).map(({ result }) => result));
        await library.refresh();
      },
    ),
  ];
}

/** Moves results to the trash after asking. */
async function deleteResults(files: readonly string[]): Promise<void> {
  const named = (file: string) => basename(file).replace(probeSuffix, "");
  const move = "Move to Trash";
  const asked = await vscode.window.showWarningMessage(
    `Move ${files.map((file) => `"${named(file)}"`).join(", ")} to the trash?`,
    { modal: true, detail: files.join("\n") },
    move,
  );
  if (asked !== move) return;
  for (const file of files) await moveToTrash(vscode.Uri.file(file), named(file));
}

/** Writes tables of a result as CSV into a folder that a person chooses: one, or all of them. */
export async function exportData(uri: vscode.Uri, result: ProbeResult, table?: string): Promise<void> {
  const folder = await vscode.window.showOpenDialog({
    title: "Folder for the tables as CSV files",
    openLabel: "Export Here",
    canSelectFiles: false,
    canSelectFolders: true,
    defaultUri: vscode.Uri.joinPath(uri, ".."),
  });
  const [into] = folder ?? [];
  if (into === undefined) return;
  const tables = result.tables.filter(({ id }) => table === undefined || id === table);
  const files = await writeProbeCsv(into.fsPath, basename(uri.fsPath), { tables });
  const open = "Open";
  const chosen = await vscode.window.showInformationMessage(
    `${files.length === 1 ? "The table is" : `${files.length} tables are`} in ${vscode.workspace.asRelativePath(into)}.`,
    open,
  );
  if (chosen === open && files[0]) await vscode.window.showTextDocument(vscode.Uri.file(files[0]));
}
