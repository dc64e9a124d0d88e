import * as vscode from "vscode";
import { pageIds } from "../contributionTypes.ts";

/** Opens a report.json in the report panel. */
export async function openReportFile(file: vscode.Uri): Promise<void> {
  await vscode.commands.executeCommand("vscode.openWith", file, pageIds.report);
}
