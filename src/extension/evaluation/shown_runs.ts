import { stat } from "node:fs/promises";
import * as vscode from "vscode";
import type { PromptRecord } from "../../dataset/record.ts";
import { runPaths } from "../../run_folder/folder.ts";
import {
  currentJudgements,
  judgementsPath,
  readJudgements,
  withJudgements,
} from "../../run_folder/judgements.ts";
import { log } from "../log.ts";
import type { Outcome, VerdictSource } from "../prompts/verdicts.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { type Answers, answersOf, keyOf, outcomeOf } from "./answers.ts";

/** A run and what its report says. */
export interface ShownRun {
  readonly run: Run;
  readonly answers: Answers;
}

interface Kept {
  /** Times and sizes of the files that were read. */
  readonly stamp: string;
  readonly keys: ReadonlySet<string>;
  answers: Answers | null;
}

const pinKey = "discern.evaluation.pinned";
/** Runs whose answers are kept: they hold every response, so more would weigh on the host. */
const MOST_KEPT = 4;

/** Finds the run whose evaluation a prompt file shows: the pinned one, else the newest that answered its prompts. */
export class ShownRuns implements VerdictSource, vscode.Disposable {
  readonly #runs: RunLibrary;
  readonly #memory: vscode.Memento;
  readonly #kept = new Map<string, Kept>();
  readonly #watchers = new Map<string, vscode.Disposable>();
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #verdictsChanged = new vscode.EventEmitter<void>();
  readonly #listening: vscode.Disposable;
  #signature = "";
  #wanted = false;

  /** Tells that other runs, or other answers, may have to be shown. */
  readonly onDidChangeRuns = this.#changed.event;
  /** Tells that `verdictOf` may say something else. */
  readonly onDidChange = this.#verdictsChanged.event;

  /** @param memory remembers which run is pinned in this workspace */
  constructor(runs: RunLibrary, memory: vscode.Memento) {
    this.#runs = runs;
    this.#memory = memory;
    this.#listening = runs.onDidChange(() => {
      // Runs that are under way change every few seconds; only those with a report are of interest here.
      const signature = this.#evaluated()
        .map(({ folder, finishedAt }) => `${folder.fsPath} ${finishedAt}`)
        .join("\n");
      if (signature === this.#signature) return;
      this.#signature = signature;
      this.#fire();
    });
  }

  dispose(): void {
    this.#listening.dispose();
    for (const watcher of this.#watchers.values()) watcher.dispose();
    this.#changed.dispose();
    this.#verdictsChanged.dispose();
  }

  /** The run that a person pinned, while it is there. */
  get pinned(): Run | undefined {
    const folder = this.#memory.get<string>(pinKey);
    return folder === undefined ? undefined : this.#runs.run(vscode.Uri.parse(folder));
  }

  /** Shows one run everywhere, or the newest again. */
  async pin(run: Run | undefined): Promise<void> {
    await this.#memory.update(pinKey, run?.folder.toString());
    this.#fire();
  }

  /** The run that is shown with these prompts; null where none answered any of them. */
  async of(records: readonly PromptRecord[]): Promise<ShownRun | null> {
    for (const run of this.#candidates()) {
      const kept = await this.#read(run);
      if (!kept || !records.some((record) => kept.keys.has(keyOf(record)))) continue;
      const answers = kept.answers ?? (await this.#read(run, true))?.answers;
      if (answers) return { run, answers };
    }
    return null;
  }

  verdictOf(id: string): Outcome | undefined {
    if (!this.#wanted) {
      // Nobody asks before a person filters by verdicts, and until then no report is read for it.
      this.#wanted = true;
      void this.#readForVerdicts();
    }
    for (const { folder } of this.#candidates()) {
      const result = this.#kept.get(folder.fsPath)?.answers?.after.get(id);
      if (result) return outcomeOf(result);
    }
    return undefined;
  }

  #fire(): void {
    this.#changed.fire();
    if (this.#wanted) void this.#readForVerdicts();
  }

  async #readForVerdicts(): Promise<void> {
    const [run] = this.#candidates();
    if (run) await this.#read(run, true);
    this.#verdictsChanged.fire();
  }

  #evaluated(): Run[] {
    return this.#runs.runs.filter(({ hasReport }) => hasReport);
  }

  #candidates(): Run[] {
    const { pinned } = this;
    return pinned?.hasReport ? [pinned] : this.#evaluated();
  }

  /**
   * What a run answered. Of all runs it is kept which prompts they answered, of a few the answers.
   *
   * @param whole whether the answers are needed
   */
  async #read(run: Run, whole = false): Promise<Kept | null> {
    const path = run.folder.fsPath;
    const stamp = await stampOf(path);
    const kept = this.#kept.get(path);
    if (kept?.stamp === stamp && (kept.answers || !whole)) return kept;
    this.#watch(run.folder);
    try {
      const [report, log] = await Promise.all([this.#runs.report(run), readJudgements(judgementsPath(path))]);
      const answers = answersOf(withJudgements(report.arms, currentJudgements(log.judgements)));
      const read: Kept = { stamp, keys: new Set(answers.after.keys()), answers };
      this.#kept.delete(path);
      this.#kept.set(path, read);
      const whole = [...this.#kept.values()].filter((each) => each.answers);
      for (const each of whole.slice(0, Math.max(0, whole.length - MOST_KEPT))) each.answers = null;
      return read;
    } catch (error) {
      log.warn(`${run.label}: its evaluation cannot be shown. ${(error as Error).message}`);
      return null;
    }
  }

  /** A report that is written anew and a verdict of a person change what is shown. */
  #watch(folder: vscode.Uri): void {
    if (this.#watchers.has(folder.fsPath)) return;
    const watcher = vscode.workspace.createFileSystemWatcher(
      new vscode.RelativePattern(folder, "{report.json,judgements.jsonl}"),
    );
    const changed = () => this.#fire();
    const listening = [
      watcher.onDidCreate(changed),
      watcher.onDidChange(changed),
      watcher.onDidDelete(changed),
    ];
    this.#watchers.set(folder.fsPath, vscode.Disposable.from(watcher, ...listening));
  }
}

async function stampOf(folder: string): Promise<string> {
  const files = [runPaths(folder).report, judgementsPath(folder)];
  const stamps = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs, size }) => `${mtimeMs} ${size}`,
        () => "none",
      ),
    ),
  );
  return stamps.join(" ");
}
