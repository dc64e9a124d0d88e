import * as vscode from "vscode";
import { conclusionOf } from "../../protocol/report/conclusion.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { runCommand, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { logError } from "../log.ts";
import { editorGroups } from "../page/editorGroups.ts";
import { cellsWords } from "../runs/describe.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { openReportFile } from "../runs/openReport.ts";
import { isActive, isResumable } from "../runs/summary.ts";
import { reportPlace } from "./reportPlace.ts";
import { watchEngine } from "./watchEngine.ts";

/**
 * Watches each run that is active, also those that were when the window was reloaded, and reports what a person has to
 * know: what a stop does and when, that its engine is silent, and how it ended. How far it is stands in the status bar.
 */
export class RunWatch implements vscode.Disposable {
  private readonly library: RunLibrary;
  /** Ends of the watching, by the path of the run's folder. */
  private readonly watched = new Map<string, DisposableStore>();
  private readonly store = new DisposableStore();

  constructor(library: RunLibrary) {
    this.library = library;
    this.store.add({
      dispose: () => {
        for (const watching of this.watched.values()) watching.dispose();
      },
    });
    this.store.add(
      library.onDidChange((run) => {
        for (const each of run ? [run] : library.runs)
          if (isActive(each) && !this.isTold(each)) this.watch(each);
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  /** Whether the run is reported by its comparison. */
  private isTold(run: Run): boolean {
    const comparison = this.library.comparisonOf(run);
    return comparison !== undefined && isActive(comparison);
  }

  private watch(begun: Run): void {
    const { folder } = begun;
    if (this.watched.has(folder.fsPath)) return;
    const watching = new DisposableStore();
    this.watched.set(folder.fsPath, watching);
    let endTelling: (() => void) | null = null;
    watching.add({ dispose: watchEngine(begun, (keepBest) => this.library.stopHeard(begun, keepBest)) });
    watching.add({ dispose: () => endTelling?.() });
    const look = () => {
      const run = this.library.run(folder);
      if (run && isActive(run)) {
        if (run.stopping) endTelling ??= tellStopping(run.label, run.stopping.long);
        else endTelling = endTelling?.() ?? null;
        return;
      }
      watching.dispose();
      this.watched.delete(folder.fsPath);
      if (run) void tellEnd(run, this.library);
      else tellGone(begun);
    };
    watching.add(this.library.onDidChange(look));
    look();
  }
}

/** Says what a stop does and when, until it has come. @returns what ends this. */
function tellStopping(title: string, message: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  void vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, (bar) => {
    bar.report({ message });
    return promise;
  });
  return resolve;
}

/** Says that the folder of a run is gone, which its engine notices at its next step. */
function tellGone({ label, folder }: Run): void {
  void vscode.window.showWarningMessage(
    `The folder of ${label} was deleted or moved during the run, so the run ends: ${folder.fsPath}`,
  );
}

/** Opens the report of a run that has ended where it takes no tab that is in use. One that is open already shows what is new by itself. */
async function openUnasked(run: Run, library: RunLibrary): Promise<void> {
  const report = vscode.Uri.file(runPaths(run.folder.fsPath).report);
  const { all } = vscode.window.tabGroups;
  const isReport = ({ input }: vscode.Tab) =>
    input instanceof vscode.TabInputCustom && input.uri.toString() === report.toString();
  if (all.some(({ tabs }) => tabs.some(isReport))) return;
  const { viewColumn, isShown } = reportPlace(editorGroups(), library.runs.some(isActive));
  // As no preview: it would take the place of one that is in use.
  await openReportFile(report, { viewColumn, preserveFocus: true, preview: false, background: !isShown });
}

/** What the report of a run comes to, by the figures that an open report shows; null where it says nothing. */
async function sentenceOf(run: Run, library: RunLibrary): Promise<string | null> {
  const { report, outdated } = await library.figures(run);
  return outdated === null ? (conclusionOf(report)?.sentence ?? null) : null;
}

/** Says how a run ended, and offers what one does next. A report of a run that was started here opens by itself, unless a setting says otherwise. */
async function tellEnd(run: Run, library: RunLibrary): Promise<void> {
  const { label, state, step, problem, cells } = run;
  const at = cells === undefined ? ` at step ${step}` : ` (${cellsWords(cells)})`;
  const resume = "Resume";
  const report = "Open Report";
  const showLog = "Open Engine Log";
  const next = isResumable(run) ? [resume] : [];
  const wasStartedHere = library.started.end(run.folder.fsPath);
  let chosen: string | undefined;
  if (state === "finished") {
    const offers = run.report !== null ? [report] : [];
    if (run.report !== null && wasStartedHere && setting("discern.runs.openReport")) {
      await openUnasked(run, library).catch(logError);
    }
    // A report that cannot be read is said so when it is opened.
    const sentence = run.report === null ? null : await sentenceOf(run, library).catch(() => null);
    const words = [`${label} has finished.`, ...(sentence === null ? [] : [sentence])].join(" ");
    chosen = await vscode.window.showInformationMessage(words, ...offers);
  } else if (state === "stopped") {
    const message = `${label} was stopped and saved${at}.`;
    chosen = await vscode.window.showInformationMessage(message, ...next);
  } else if (state === "interrupted") {
    const message = `The engine of ${label} exited: it was killed, or the machine ran out of memory or was restarted. Saved state is intact; the run can be resumed from its last checkpoint.`;
    chosen = await vscode.window.showErrorMessage(message, ...next, showLog);
  } else if (state === "failed" || state === "damaged") {
    const message = `${label} failed${at}. ${problem ?? ""}`;
    chosen = await vscode.window.showErrorMessage(message, ...next, showLog);
  }
  if (chosen === resume) await runCommand("discern.runs.resume", run.folder);
  if (chosen === report) await runCommand("discern.runs.openReport", run.folder);
  if (chosen === showLog) await runCommand("discern.runs.openLog", run.folder);
}
