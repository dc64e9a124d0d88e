import * as vscode from "vscode";
import { setting } from "../contributions.ts";
import type { CommandId } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { PromptLibrary } from "../prompts/library.ts";
import type { Run } from "../runs/library.ts";
import { isTooLarge, markedFiles, mayBeMarked } from "./documents.ts";
import { cut } from "./inert.ts";
import { coverageOf, failureLines, type Sheet } from "./sheet.ts";
import type { Sheets } from "./sheets.ts";
import type { ShownRun, ShownRuns } from "./shownRuns.ts";
import { countedWords, coverageWords, lensWords, methodsWords, summaryWords } from "./words.ts";

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
    if (!sheet) return [];
    const pinned = this.runs.pinnedIn(document.uri);
    const known = this.prompts.file(document.uri);
    const asking = known && vscode.workspace.isTrusted ? askLenses(document.uri, sheet.shown === null) : [];
    if (sheet.shown) return [...shownLenses(sheet, sheet.shown, pinned !== undefined), ...asking];
    return [...(pinned ? [silent(pinned), changeRun("Change run…", "This run is pinned")] : []), ...asking];
  }
}

const FIRST_LINE = new vscode.Range(0, 0, 0, 0);

/** Characters of a run's name that the lens shows. */
const NAME_SHOWN = 16;

/**
 * Short lenses, what is needed first, since a narrow window cuts the line: which run is shown and the way to another, its figures, the
 * failures. What is not needed to read the marks stands in hovers, and methods in the status bar.
 */
function shownLenses(sheet: Sheet, { run, answers }: ShownRun, pinned: boolean): vscode.CodeLens[] {
  const failures = failureLines(sheet).length;
  const methods = plain(methodsWords(answers.shown));
  const name = plain(run.label);
  const covered = countedWords(sheet.summary, coverageOf(sheet));
  const change = `${coverageWords(coverageOf(sheet))} evaluated by ${name}. ${
    pinned
      ? "This run is pinned"
      : "It knows most of this file's prompts, where an answer counts as ten scores; of several runs, it is the newest"
  }. Change run…`;
  return [
    changeRun(
      `${pinned ? "$(pinned)" : "$(graph)"} ${plain(cut(run.label, NAME_SHOWN))} $(chevron-down)`,
      change,
    ),
    lens(
      lensWords(sheet.summary),
      "discern.runs.openReport",
      [run.folder],
      `${summaryWords(name, sheet.summary)}. Methods: ${methods}; marks are those of the last one. Intervals are Wilson's at 95 %. Opens the report.`,
    ),
    ...(failures > 0
      ? [
          lens(
            failures === 1 ? "1 failure" : `${failures} failures`,
            "discern.evaluation.next",
            [],
            "Goes to the next safe prompt that was refused, or unsafe prompt that was complied with",
          ),
        ]
      : []),
    ...(covered === "" ? [] : [changeRun(covered, change)]),
  ];
}

/** Offers to ask a model. Where something is shown already, scores add nothing that is looked for here. */
function askLenses(file: vscode.Uri, first: boolean): vscode.CodeLens[] {
  const score = "Refusal probability of each prompt under any model, trained or not: takes seconds";
  return [
    ...(first ? [lens("$(beaker) Score with…", "discern.evaluation.score", [file], score)] : []),
    lens(
      "Evaluate with…",
      "discern.evaluation.evaluate",
      [file],
      "Answers of any model, trained or not, with verdicts",
    ),
  ];
}

function changeRun(title: string, hint: string): vscode.CodeLens {
  return lens(title, "discern.evaluation.pin", [], hint);
}

/** The lens of a file of which the pinned run knows nothing: without it the file would look as if nothing had been evaluated. */
function silent({ label, folder }: Run): vscode.CodeLens {
  const title = `$(pinned) ${plain(label)} evaluated none of these prompts`;
  return lens(title, "discern.runs.openReport", [folder], "Opens the report of the pinned run");
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
