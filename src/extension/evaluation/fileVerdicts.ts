import * as vscode from "vscode";
import type { PromptRecord } from "../../dataset/record.ts";
import type { Outcome } from "../../protocol/report/verdicts.ts";
import { DisposableStore } from "../disposableStore.ts";
import { logError } from "../log.ts";
import type { PromptFile, PromptLibrary } from "../prompts/library.ts";
import type { VerdictSource } from "../prompts/verdicts.ts";
import { keyOf } from "./answers.ts";
import type { ShownRuns } from "./shownRuns.ts";

/** What is known of a file. */
interface Known {
  readonly records: readonly PromptRecord[];
  /** By prompt id, without the answers: a filter looks at many files. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** The verdicts of the Prompts view: those of the marks in each file. Nothing is read before a person filters by verdicts. */
export class FileVerdicts implements VerdictSource, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());
  private readonly shown: ShownRuns;
  private readonly known = new WeakMap<PromptFile, Known>();
  /** The files that are still to be looked at. */
  private readonly waiting = new Set<PromptFile>();
  private isLooking = false;

  /** Tells that `verdictOf` may say something else. */
  readonly onDidChange = this.changed.event;

  constructor(prompts: PromptLibrary, shown: ShownRuns) {
    this.shown = shown;
    this.store.add(
      shown.onDidChangeRuns(() => {
        for (const file of prompts.files) if (this.known.has(file)) this.look(file);
      }),
    );
  }

  verdictOf(file: PromptFile, id: string): Outcome | undefined {
    const known = this.known.get(file);
    if (known?.records !== file.records) {
      const outcomes = known?.outcomes ?? new Map();
      this.known.set(file, { records: file.records, outcomes });
      this.look(file);
    }
    return known?.outcomes.get(id);
  }

  dispose(): void {
    this.store.dispose();
  }

  private look(file: PromptFile): void {
    this.waiting.add(file);
    if (!this.isLooking) void this.lookAtAll().catch(logError);
  }

  /** One file after another: a report holds every answer, and many at once would fill the host. */
  private async lookAtAll(): Promise<void> {
    this.isLooking = true;
    try {
      for (const file of this.waiting) {
        this.waiting.delete(file);
        const { records, uri } = file;
        const shown = await this.shown.of(records, uri);
        const marked = shown?.answers.shown.at(-1)?.answers;
        const outcomes = new Map<string, Outcome>();
        for (const record of records) {
          const answer = marked?.get(keyOf(record));
          if (answer && !answer.scored) outcomes.set(record.id, answer.outcome);
        }
        this.known.set(file, { records, outcomes });
      }
    } finally {
      this.isLooking = false;
    }
    this.changed.fire();
  }
}
