import * as vscode from "vscode";
import { setting } from "../contributions.ts";
import type { CommandId } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import { isTooLarge, markedFiles, mayBeMarked } from "./documents.ts";
import { failureLines, type Sheet } from "./sheet.ts";
import type { Sheets } from "./sheets.ts";
import type { ShownRuns } from "./shownRuns.ts";
import { methodsWords, summaryWords } from "./words.ts";

/** The figures of a prompt file on its first line. */
export class SummaryLens implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly sheets: Sheets;
  private readonly prompts: PromptLibrary;
  private readonly runs: ShownRuns;
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(sheets: Sheets, prompts: PromptLibrary, runs: ShownRuns) {
    this.sheets = sheets;
    this.prompts = prompts;
    this.runs = runs;
    this.store.add(sheets.onDidChange(() => this.changed.fire()));
    this.store.add(vscode.languages.registerCodeLensProvider(markedFiles, this));
  }

  dispose(): void {
    this.store.dispose();
  }

  async provideCodeLenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    if (!setting("discern.evaluation.show") || !mayBeMarked(document)) return [];
    if (isTooLarge(document)) return this.prompts.file(document.uri) ? [tooLarge()] : [];
    const sheet = await this.sheets.settled(document);
    return sheet?.shown ? lensesOf(sheet, sheet.shown.run.folder, this.runs.pinned !== undefined) : [];
  }
}

const FIRST_LINE = new vscode.Range(0, 0, 0, 0);

function lensesOf(sheet: Sheet, folder: vscode.Uri, pinned: boolean): vscode.CodeLens[] {
  const { run, answers } = sheet.shown!;
  const failures = failureLines(sheet).length;
  const icon = pinned ? "$(pinned)" : "$(graph)";
  return [
    lens(
      `${icon} ${summaryWords(plain(run.name), sheet.summary)}`,
      "discern.runs.openReport",
      [folder],
      `Refusal rates of this file's prompts under ${plain(methodsWords(answers.shown))}, with Wilson intervals at 95 %. Opens the report.`,
    ),
    ...(answers.choices.length > 1
      ? [
          lens(
            `$(symbol-method) ${plain(methodsWords(answers.shown))}`,
            "discern.evaluation.chooseMethods",
            [folder],
            "Marks are those of the last method. Choose which methods of the report are shown.",
          ),
        ]
      : []),
    lens(
      "Choose run…",
      "discern.evaluation.pin",
      [],
      pinned ? "This run is pinned" : "The newest run that answered these prompts",
    ),
    ...(failures > 0
      ? [
          lens(
            failures === 1 ? "1 failure" : `Next of ${failures} failures`,
            "discern.evaluation.next",
            [],
            "Safe prompts that were refused, and unsafe prompts that were complied with",
          ),
        ]
      : []),
  ];
}

function tooLarge(): vscode.CodeLens {
  const title = "$(info) This file is too large for its evaluation to be shown in it";
  return new vscode.CodeLens(FIRST_LINE, { title, command: "" });
}

function lens(title: string, command: CommandId, args: unknown[], hint: string): vscode.CodeLens {
  return new vscode.CodeLens(FIRST_LINE, { title, command, arguments: args, tooltip: hint });
}

/** A name in which nothing is taken for an icon. */
function plain(name: string): string {
  return name.replace(/\$\(/g, "$\u200b(");
}
