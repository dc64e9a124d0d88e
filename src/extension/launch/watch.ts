import * as vscode from "vscode";
import { runCommand } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { cellsWords, description } from "../runs/describe.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { isActive, isResumable } from "../runs/summary.ts";
import { watchEngine } from "./watchEngine.ts";

/**
 * Shows a notification for each run that is active, also for those that were when the window was reloaded: how far it
 * is, and a way to stop it. Tells how a run ended that it has watched.
 */
export class RunWatch implements vscode.Disposable {
  private readonly library: RunLibrary;
  /** Ends of the notifications, by the path of the run's folder. */
  private readonly shown = new Map<string, () => void>();
  private readonly store = new DisposableStore();

  constructor(library: RunLibrary) {
    this.library = library;
    this.store.add({
      dispose: () => {
        for (const end of this.shown.values()) end();
      },
    });
    this.store.add(
      library.onDidChange((run) => {
        for (const each of run ? [run] : library.runs)
          if (isActive(each) && !this.isTold(each)) this.show(each);
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  /** Whether the run is reported by the notification of a comparison. */
  private isTold(run: Run): boolean {
    const comparison = this.library.comparisonOf(run);
    return comparison !== undefined && isActive(comparison);
  }

  private show(begun: Run): void {
    const { folder, label: title } = begun;
    if (this.shown.has(folder.fsPath)) return;
    const ended = Promise.withResolvers<void>();
    this.shown.set(folder.fsPath, ended.resolve);
    const location = vscode.ProgressLocation.Notification;
    void vscode.window.withProgress({ location, title, cancellable: true }, async (bar, cancelled) => {
      let percent = 0;
      let stopping = false;
      const update = () => {
        const run = this.library.run(folder);
        if (!run || !isActive(run)) {
          ended.resolve();
          return;
        }
        const now = run.totalSteps ? (100 * run.step) / run.totalSteps : 0;
        const words = description(run, null);
        const message = stopping ? `stopping · ${words}` : words;
        // A bar cannot go back, as a run does that is resumed from an earlier checkpoint.
        bar.report({ message, increment: Math.max(0, now - percent) });
        percent = Math.max(percent, now);
      };
      cancelled.onCancellationRequested(() => {
        stopping = true;
        update();
        void runCommand("discern.runs.stop", folder);
      });
      const listening = this.library.onDidChange(update);
      const endWatching = watchEngine(begun);
      update();
      await ended.promise;
      endWatching();
      listening.dispose();
      this.shown.delete(folder.fsPath);
      const run = this.library.run(folder);
      if (run) void tellEnd(run);
      else tellGone(begun);
    });
  }
}

/** Says that the folder of a run is gone, which its engine notices at its next step. */
function tellGone({ label, folder }: Run): void {
  void vscode.window.showWarningMessage(
    `The folder of ${label} was deleted or moved during the run, so the run ends: ${folder.fsPath}`,
  );
}

/** Says how a run ended, and offers what one does next. */
async function tellEnd(run: Run): Promise<void> {
  const { label, state, step, problem, cells } = run;
  const at = cells === undefined ? ` at step ${step}` : ` (${cellsWords(cells)})`;
  const resume = "Resume";
  const report = "Open Report";
  const showLog = "Open Engine Log";
  const next = isResumable(run) ? [resume] : [];
  let chosen: string | undefined;
  if (state === "finished") {
    const offers = run.report !== null ? [report] : [];
    chosen = await vscode.window.showInformationMessage(`${label} has finished.`, ...offers);
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
