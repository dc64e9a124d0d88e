import * as vscode from "vscode";
import type { ReportFormat } from "../../protocol/rpc.ts";
import type { WantedAnswers } from "../../protocol/webview/report.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { registerCommand } from "../contributions.ts";
import { pageIds } from "../contributionTypes.ts";
import type { Engine } from "../engine/engine.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { RunTarget } from "../runs/pick.ts";
import { requireTrust } from "../trust.ts";
import { ReportEditor } from "./editor.ts";
import { copyLatex, exportReport } from "./export.ts";

/** Makes the editor of reports and the commands that open and export them. */
export function registerReport(
  context: vscode.ExtensionContext,
  engine: Engine,
  prompts: PromptLibrary,
): vscode.Disposable {
  const editor = new ReportEditor(context, engine, prompts);
  const exported = (format?: ReportFormat) => async (report?: RunTarget) => {
    requireTrust();
    const uri = targetReport(report) ?? shownReport() ?? (await pickReport());
    if (uri) await exportReport(engine, uri, format);
  };
  return vscode.Disposable.from(
    editor,
    registerCommand("discern.report.open", async (report?: vscode.Uri) => {
      const uri = report ?? (await pickReport());
      if (uri) await editor.open(uri);
    }),
    registerCommand("discern.report.export", exported()),
    registerCommand("discern.report.copyLatex", async (report?: RunTarget) => {
      requireTrust();
      const uri = targetReport(report) ?? shownReport() ?? (await pickReport());
      if (uri) await copyLatex(engine, uri);
    }),
    registerCommand("discern.report.compareEarlier", async (report?: RunTarget) => {
      requireTrust();
      const uri = targetReport(report) ?? shownReport() ?? (await pickReport());
      if (uri) await editor.compare(uri);
    }),
    registerCommand("discern.report.exportMarkdown", exported("markdown")),
    registerCommand("discern.report.exportHtml", exported("html")),
    // Called by links in hovers too, whose arguments are JSON.
    registerCommand("discern.evaluation.openInReport", (folder: vscode.Uri | string, promptId: string) =>
      editor.open(reportOf(typeof folder === "string" ? vscode.Uri.parse(folder, true) : folder), {
        id: promptId,
      }),
    ),
    registerCommand("discern.report.openAnswers", (report: vscode.Uri, wanted: WantedAnswers) =>
      editor.open(report, wanted),
    ),
  );
}

/** The report that a command was given: of a run, of its folder, or the file itself. */
function targetReport(target: RunTarget | undefined): vscode.Uri | undefined {
  if (target === undefined) return undefined;
  if (!(target instanceof vscode.Uri)) return reportOf("run" in target ? target.run.folder : target.folder);
  return target.path.endsWith(".json") ? target : reportOf(target);
}

/** The report of a run folder. */
function reportOf(folder: vscode.Uri): vscode.Uri {
  return vscode.Uri.file(runPaths(folder.fsPath).report);
}

/** The report in the active editor. */
function shownReport(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputCustom && input.viewType === pageIds.report ? input.uri : undefined;
}

/** Lets the person choose among the workspace's reports; the one there is needs no choice. */
async function pickReport(): Promise<vscode.Uri | undefined> {
  const found = await vscode.workspace.findFiles("**/report.json", "**/node_modules/**");
  if (found.length === 0) {
    void vscode.window.showInformationMessage(
      "There is no report yet. A run with an evaluation writes one when it is finished.",
    );
    return undefined;
  }
  if (found.length === 1) return found[0];
  const items = found
    .map((uri) => ({ label: vscode.workspace.asRelativePath(vscode.Uri.joinPath(uri, "..")), uri }))
    .sort((a, b) => a.label.localeCompare(b.label));
  const chosen = await vscode.window.showQuickPick(items, {
    placeHolder: "Report of which run?",
  });
  return chosen?.uri;
}
