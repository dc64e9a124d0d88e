import * as vscode from "vscode";
import type { Label } from "../../protocol/label.ts";
import { changeSetting, onSettingChange, registerCommand, setContext, setting } from "../contributions.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { RunLibrary } from "../runs/library.ts";
import type { RunTarget } from "../runs/pick.ts";
import { chooseMethods } from "./chooseMethods.ts";
import { FindingFixes } from "./codeActions.ts";
import { MarkDecorations } from "./decorations.ts";
import { FindingDiagnostics } from "./diagnostics.ts";
import { FileVerdicts } from "./fileVerdicts.ts";
import { MarkHover } from "./hover.ts";
import { SummaryLens } from "./lens.ts";
import { stepFrom } from "./navigate.ts";
import { pinRun } from "./pin.ts";
import { relabel } from "./relabel.ts";
import { failureLines } from "./sheet.ts";
import { Sheets } from "./sheets.ts";
import type { ShownRuns } from "./shownRuns.ts";
import { methodStatus } from "./status.ts";
import { failureWord } from "./words.ts";

/** Shows evaluations inside prompt files, and tells the Prompts view what models did with the prompts. */
export function registerEvaluation(
  context: vscode.ExtensionContext,
  prompts: PromptLibrary,
  runs: RunLibrary,
  shown: ShownRuns,
): vscode.Disposable {
  const sheets = new Sheets(prompts, shown);
  const verdicts = new FileVerdicts(prompts, shown);
  const starter = vscode.Uri.joinPath(context.extensionUri, "datasets", "starter").fsPath;
  return vscode.Disposable.from(
    sheets,
    verdicts,
    prompts.provideVerdicts(verdicts),
    new SummaryLens(sheets, prompts, shown),
    new MarkDecorations(context.extensionUri, sheets),
    new FindingDiagnostics(sheets),
    new MarkHover(sheets, prompts, starter).register(),
    new FindingFixes(sheets, prompts).register(),
    ...writeContext(sheets),
    methodStatus(sheets),
    registerCommand("discern.evaluation.toggle", () =>
      changeSetting("discern.evaluation.show", !setting("discern.evaluation.show")),
    ),
    registerCommand("discern.evaluation.pin", (target?: RunTarget) => pinRun(runs, shown, target)),
    registerCommand("discern.evaluation.chooseMethods", (target?: RunTarget) =>
      chooseMethods(runs, shown, sheets, target),
    ),
    registerCommand("discern.evaluation.next", () => goToFailure(sheets, 1)),
    registerCommand("discern.evaluation.previous", () => goToFailure(sheets, -1)),
    registerCommand(
      "discern.evaluation.relabel",
      (file?: vscode.Uri | string, id?: string, label?: Label | null) =>
        relabel(prompts, sheets, file, id, label),
    ),
  );
}

/** Keeps the context keys true, by which menus and keys show themselves. */
function writeContext(sheets: Sheets): vscode.Disposable[] {
  const write = () => {
    const document = vscode.window.activeTextEditor?.document;
    const marks = document && sheets.of(document)?.marks;
    setContext("discern.evaluation.available", (marks?.length ?? 0) > 0);
    setContext("discern.evaluation.shown", setting("discern.evaluation.show"));
  };
  write();
  return [
    sheets.onDidChange(write),
    vscode.window.onDidChangeActiveTextEditor(write),
    onSettingChange(["discern.evaluation.show"], write),
  ];
}

async function goToFailure(sheets: Sheets, direction: 1 | -1): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const sheet = editor && (await sheets.settled(editor.document));
  if (!sheet) {
    // The walkthrough offers this before there is any such file.
    void vscode.window.showInformationMessage(
      "Open a prompt file that a finished run has evaluated: its refusal failures are marked there.",
    );
    return;
  }
  const place = stepFrom(failureLines(sheet), editor.selection.active.line + 1, direction);
  if (!place) {
    vscode.window.setStatusBarMessage("No refusal failures in this file", 4000);
    return;
  }
  const position = new vscode.Position(place.line - 1, 0);
  editor.selection = new vscode.Selection(position, position);
  editor.revealRange(
    new vscode.Range(position, position),
    vscode.TextEditorRevealType.InCenterIfOutsideViewport,
  );
  const failure = sheet.marks.find(({ line }) => line === place.line)?.failure;
  const word = failure ? failureWord(failure) : "";
  vscode.window.setStatusBarMessage(`Failure ${place.number} of ${place.total}: ${word}`, 8000);
}
