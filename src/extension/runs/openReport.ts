import * as vscode from "vscode";
import { pageIds } from "../contributionTypes.ts";

/** Where an editor opens. VS Code's types do not name `background`, which its command takes: a tab that is not brought to the front. */
type Place = vscode.TextDocumentShowOptions & { readonly background?: boolean };

/** Opens a report.json in the report panel. */
export async function openReportFile(file: vscode.Uri, place?: Place): Promise<void> {
  await vscode.commands.executeCommand("vscode.openWith", file, pageIds.report, place);
}
