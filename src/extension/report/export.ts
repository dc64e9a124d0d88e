import * as vscode from "vscode";
import type { Engine } from "../engine/engine.ts";
import { requireTrust } from "../trust.ts";

/** Asks where to, and has the engine write a report there with people's verdicts in its figures. */
export async function exportReport(
  engine: Engine,
  report: vscode.Uri,
  format: "markdown" | "html",
): Promise<void> {
  requireTrust();
  const html = format === "html";
  const into = await vscode.window.showSaveDialog({
    title: html ? "Export the report to one HTML file" : "Export the report to Markdown",
    saveLabel: "Export",
    defaultUri: vscode.Uri.joinPath(report, "..", html ? "report.html" : "report.md"),
    filters: html ? { HTML: ["html"] } : { Markdown: ["md"] },
  });
  if (into === undefined) return;
  await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Window, title: "Exporting the report" },
    () => engine.call("exportReport", { path: report.fsPath, format, into: into.fsPath }),
  );
  const open = "Open";
  const chosen = await vscode.window.showInformationMessage(
    `The report is in ${vscode.workspace.asRelativePath(into)}.`,
    open,
  );
  if (chosen !== open) return;
  if (html) await vscode.env.openExternal(into);
  else await vscode.commands.executeCommand("markdown.showPreview", into);
}
