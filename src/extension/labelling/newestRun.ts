import * as vscode from "vscode";
import { DisposableStore } from "../disposableStore.ts";
import { log } from "../log.ts";
import type { RunLibrary } from "../runs/library.ts";
import { type RunResults, resultsOf } from "./runResults.ts";

/** Follows which run with a report is the newest, and what its model did. */
export class NewestRun implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly runs: RunLibrary | undefined;
  private readonly change = this.store.add(new vscode.EventEmitter<void>());
  private looking = false;
  private shown: string | undefined;
  private found: RunResults | null = null;

  readonly onDidChange = this.change.event;

  /** @param runs absent where runs are not looked at */
  constructor(runs: RunLibrary | undefined) {
    this.runs = runs;
  }

  /** The results; null until there are some. Asking for the first time begins to look for them. */
  get results(): RunResults | null {
    if (this.runs && !this.looking) {
      this.looking = true;
      this.store.add(this.runs.onDidChange(() => void this.look()));
      void this.look();
    }
    return this.found;
  }

  dispose(): void {
    this.store.dispose();
  }

  private async look(): Promise<void> {
    const run = this.runs?.runs.find(({ report }) => report !== null);
    const key = run && `${run.folder} ${run.report}`;
    if (key === this.shown) return;
    this.shown = key;
    let results: RunResults | null = null;
    try {
      results = run ? resultsOf(run.name, await this.runs!.report(run)) : null;
    } catch (error) {
      // Labelling continues without the model's opinion; the Runs view says what is wrong with the run.
      log.warn(`The report of ${run!.name} is not shown while labelling: ${(error as Error).message}`);
    }
    // Meanwhile another run may have become the newest.
    if (key !== this.shown) return;
    this.found = results;
    this.change.fire();
  }
}
