import * as vscode from "vscode";
import type { ReportFormat } from "../../protocol/rpc.ts";
import type { Engine } from "../engine/engine.ts";
import { requireTrust } from "../trust.ts";

/** The formats of a report, with what they are called and what their files are. */
const formats: Record<
  ReportFormat,
  { readonly title: string; readonly ending: string; readonly about: string; readonly name?: string }
> = {
  markdown: { title: "Markdown", ending: "md", about: "the report as text" },
  html: { title: "HTML", ending: "html", about: "the report as one file, with its answers and figures" },
  latex: { title: "LaTeX", ending: "tex", about: "the table of methods by suites, for a paper" },
  "latex-categories": {
    title: "LaTeX by category",
    ...{ ending: "tex", name: "report-categories" },
    about: "tables of categories by methods, one for each suite and measure",
  },
  csv: { title: "CSV", ending: "csv", about: "every measure as a row" },
};

/** Asks which format, where none is given. */
async function pickFormat(): Promise<ReportFormat | undefined> {
  const items = Object.entries(formats).map(([format, { title, about }]) => ({
    label: title,
    description: about,
    format: format as ReportFormat,
  }));
  const chosen = await vscode.window.showQuickPick(items, { placeHolder: "Format of the export" });
  return chosen?.format;
}

/** Puts the table of methods by suites on the clipboard, as LaTeX. */
export async function copyLatex(engine: Engine, report: vscode.Uri): Promise<void> {
  requireTrust();
  const text = await engine.call("renderReport", { path: report.fsPath, format: "latex" });
  await vscode.env.clipboard.writeText(text);
  vscode.window.setStatusBarMessage("Copied the table as LaTeX", 4000);
}

/**
 * Asks where to, and has the engine write a report there with people's verdicts in its figures.
 *
 * @param given the format; asked for where left out.
 */
export async function exportReport(engine: Engine, report: vscode.Uri, given?: ReportFormat): Promise<void> {
  requireTrust();
  const format = given ?? (await pickFormat());
  if (format === undefined) return;
  const { title, ending, name = "report" } = formats[format];
  const into = await vscode.window.showSaveDialog({
    title: `Export the report to ${title}`,
    saveLabel: "Export",
    defaultUri: vscode.Uri.joinPath(report, "..", `${name}.${ending}`),
    filters: { [title]: [ending] },
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
  if (format === "html") await vscode.env.openExternal(into);
  else if (format === "markdown") await vscode.commands.executeCommand("markdown.showPreview", into);
  else await vscode.window.showTextDocument(into);
}
