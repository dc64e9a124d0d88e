import * as vscode from "vscode";
import type { CommandId } from "../contributionTypes.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { markedFiles } from "./documents.ts";
import { fixesOf } from "./fixes.ts";
import { markAt } from "./match.ts";
import type { Sheets } from "./sheets.ts";

/** Quick fixes of what is found at a line. They label; the prompt file stays as it is. */
export class FindingFixes implements vscode.CodeActionProvider {
  private readonly sheets: Sheets;
  private readonly prompts: PromptLibrary;

  constructor(sheets: Sheets, prompts: PromptLibrary) {
    this.sheets = sheets;
    this.prompts = prompts;
  }

  register(): vscode.Disposable {
    return vscode.languages.registerCodeActionsProvider(markedFiles, this, {
      providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
    });
  }

  provideCodeActions(
    document: vscode.TextDocument,
    range: vscode.Range,
    { diagnostics }: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    const sheet = this.sheets.of(document);
    if (!sheet) return [];
    const line = range.start.line + 1;
    const file = document.uri.toString();
    const actions = new Map<string, vscode.CodeAction>();
    for (const finding of sheet.findings.filter(({ record }) => record.line === line)) {
      const mended = diagnostics.filter(({ code }) => code === finding.code);
      for (const { title, id, label } of fixesOf(finding, this.prompts.author)) {
        const key = `${id} ${label}`;
        const known = actions.get(key);
        if (known) known.diagnostics = [...(known.diagnostics ?? []), ...mended];
        else actions.set(key, action(title, "discern.evaluation.relabel", [file, id, label], mended));
      }
    }
    const mark = markAt(sheet.marks, line);
    if (sheet.shown && mark?.failure) {
      const folder = sheet.shown.run.folder.toString();
      const title = "Open prompt in report";
      actions.set("report", action(title, "discern.evaluation.openInReport", [folder, mark.marked.id], []));
    }
    return [...actions.values()];
  }
}

function action(
  title: string,
  command: CommandId,
  args: unknown[],
  diagnostics: vscode.Diagnostic[],
): vscode.CodeAction {
  const made = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  made.command = { title, command, arguments: args };
  made.diagnostics = diagnostics;
  return made;
}
