import * as vscode from "vscode";
import type { PromptRecord } from "../../dataset/record.ts";
import { DisposableStore } from "../disposableStore.ts";
import { log, logError } from "../log.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { type Answers, answersOf, keyOf, type MethodChoice } from "./answers.ts";
import { bestInformed, sinceAsked } from "./informed.ts";

/** A run and what its report says. */
export interface ShownRun {
  readonly run: Run;
  readonly answers: Answers;
}

interface Kept {
  /** Stands for the report that was read. */
  readonly stamp: string | null;
  readonly keys: ReadonlySet<string>;
  readonly scored: boolean;
  answers: Answers | null;
}

const pinKey = "discern.evaluation.pinned";
const askedKey = "discern.evaluation.pinnedInFiles";
/** Files whose asked run is remembered. */
const MOST_ASKED = 200;
const methodsKey = "discern.evaluation.methods";
/** Reports whose chosen methods are remembered. */
const MOST_CHOSEN = 50;
/** Runs whose answers are kept: they hold every response, so more would weigh on the host. */
const MOST_KEPT = 4;

/**
 * Finds the run whose evaluation a prompt file shows: the one that a person pinned, else the one that knows most of the file's prompts,
 * and none that is older than what they asked about the file. Whatever shows results of a file (marks, labelling panel, table, filter of
 * verdicts) asks `of`, so that all show the same.
 */
export class ShownRuns implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly runs: RunLibrary;
  private readonly memory: vscode.Memento;
  private readonly kept = new Map<string, Kept>();
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());
  private signature = "";

  /** Tells that other runs, or other answers, may have to be shown. */
  readonly onDidChangeRuns = this.changed.event;

  /** @param memory remembers which run is pinned in this workspace, and the methods that are shown of each report */
  constructor(runs: RunLibrary, memory: vscode.Memento) {
    this.runs = runs;
    this.memory = memory;
    this.store.add(
      runs.onDidBegin(({ folder, askedIn }) => {
        if (askedIn.length > 0) void this.ask(askedIn, folder).catch(logError);
      }),
    );
    this.store.add(
      runs.onDidChange(() => {
        // Runs that are under way change every few seconds; only those with a report are of interest here.
        const signature = this.evaluated()
          .map(({ folder, report, label }) => `${folder.fsPath} ${report} ${label}`)
          .join("\n");
        if (signature === this.signature) return;
        this.signature = signature;
        this.fire();
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  /** The run that a person pinned, while it is there. */
  get pinned(): Run | undefined {
    const folder = this.memory.get<string>(pinKey);
    return folder === undefined ? undefined : this.runs.run(vscode.Uri.parse(folder));
  }

  /** The run that a person pinned, as far as a file shows it: not where they asked for another one since. One without a report is none yet. */
  pinnedIn(file: vscode.Uri): Run | undefined {
    const { pinned } = this;
    return pinned?.report === null || this.askedIn(file) ? undefined : pinned;
  }

  /** Shows one run everywhere, or in each file the best-informed one again. It is the latest choice, so it ends what was asked in single files. */
  async pin(run: Run | undefined): Promise<void> {
    await this.memory.update(pinKey, run?.folder.toString());
    await this.memory.update(askedKey, undefined);
    this.fire();
  }

  /**
   * Shows these methods of a run's report, the marked one last; the untrained model and the report's last method again where
   * none is given.
   */
  async choose(run: Run, methods: readonly MethodChoice[]): Promise<void> {
    const folder = run.folder.toString();
    const { [folder]: _, ...others } = this.chosen();
    const kept = Object.entries(others).slice(-(MOST_CHOSEN - 1));
    await this.memory.update(
      methodsKey,
      Object.fromEntries(methods.length > 0 ? [...kept, [folder, methods]] : kept),
    );
    this.kept.delete(run.folder.fsPath);
    this.fire();
  }

  /** What the shown methods of a run answered; null where its report cannot be read. */
  async answersOf(run: Run): Promise<Answers | null> {
    return (await this.read(run, true))?.answers ?? null;
  }

  /**
   * The run that is shown with these prompts; null where none evaluated any of them.
   *
   * @param file where the prompts stand, about which a run may have been asked
   */
  async of(records: readonly PromptRecord[], file: vscode.Uri): Promise<ShownRun | null> {
    const run = await bestInformed(this.candidates(file), new Set(records.map(keyOf)), (one) =>
      this.read(one),
    );
    const answers = run && (await this.read(run, true))?.answers;
    return run && answers ? { run, answers } : null;
  }

  /** Shows a run in files, as soon as it has a report, until a newer one knows more of them: also where an older one does. */
  private async ask(files: readonly string[], folder: vscode.Uri): Promise<void> {
    const others = Object.entries(this.asked()).filter(([file]) => !files.includes(file));
    const asked = files.map((file) => [file, folder.toString()] as const);
    await this.memory.update(askedKey, Object.fromEntries([...others, ...asked].slice(-MOST_ASKED)));
    this.fire();
  }

  private asked(): Readonly<Record<string, string>> {
    return this.memory.get(askedKey, {});
  }

  private chosen(): Readonly<Record<string, readonly MethodChoice[]>> {
    return this.memory.get(methodsKey, {});
  }

  private fire(): void {
    this.changed.fire();
  }

  private evaluated(): Run[] {
    return this.runs.runs.filter(({ report }) => report !== null);
  }

  private candidates(file: vscode.Uri): readonly Run[] {
    const asked = this.askedIn(file);
    if (asked) return sinceAsked(this.evaluated(), ({ folder }) => folder.fsPath === asked.folder.fsPath);
    const { pinned } = this;
    return pinned && pinned.report !== null ? [pinned] : this.evaluated();
  }

  /** The run that was asked about a file last, once it has a report. */
  private askedIn(file: vscode.Uri): Run | undefined {
    const folder = this.asked()[file.toString()];
    const run = folder === undefined ? undefined : this.runs.run(vscode.Uri.parse(folder));
    return run && run.report !== null ? run : undefined;
  }

  /**
   * What a run answered. Of all runs it is kept which prompts they answered, of a few the answers.
   *
   * @param whole whether the answers are needed
   */
  private async read(run: Run, whole = false): Promise<Kept | null> {
    const path = run.folder.fsPath;
    const stamp = await this.runs.reportStamp(run);
    const kept = this.kept.get(path);
    if (kept?.stamp === stamp && (kept.answers || !whole)) return kept;
    try {
      const answers = answersOf(await this.runs.report(run), this.chosen()[run.folder.toString()]);
      const marked = answers.shown.at(-1)?.answers;
      const [first] = marked?.values() ?? [];
      const read: Kept = { stamp, keys: new Set(marked?.keys()), scored: first?.scored === true, answers };
      this.kept.delete(path);
      this.kept.set(path, read);
      const whole = [...this.kept.values()].filter((each) => each.answers);
      for (const each of whole.slice(0, Math.max(0, whole.length - MOST_KEPT))) each.answers = null;
      return read;
    } catch (error) {
      log.warn(`${run.label}: its evaluation cannot be shown. ${(error as Error).message}`);
      return null;
    }
  }
}
