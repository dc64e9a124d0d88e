import { basename, dirname, join } from "node:path";
import { LRUCache } from "lru-cache";
import * as vscode from "vscode";
import type { Report } from "../../protocol/report/report.ts";
import { shownName } from "../../runFolder/about.ts";
import { isComparison } from "../../runFolder/comparison.ts";
import { findRunFolders } from "../../runFolder/findRuns.ts";
import { reportStamp, sharedJudgementsPath, sharedLogsOf } from "../../runFolder/reportJudgements.ts";
import { onSettingChange } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { log } from "../log.ts";
import { ComparisonReader } from "./comparisonReader.ts";
import { runsFolderAround, runsFolders } from "./folders.ts";
import { type Headline, headlineOf } from "./headline.ts";
import { type JudgedFigures, JudgedReports, type Recompute } from "./judgedReports.ts";
import { RunQueue } from "./queue.ts";
import { isReportAlone, ReportReader } from "./reportReader.ts";
import { StartedRuns } from "./startedRuns.ts";
import { hasStopped, stoppingOf } from "./stopping.ts";
import { isActive, RunReader, type RunSummary, type Stopping, type SummaryReader } from "./summary.ts";

/** A run as it is shown: what its folder says, and where it is. A changed run is a new object. */
export interface Run extends RunSummary {
  readonly folder: vscode.Uri;
  /** What it is called wherever it is shown, see `shownName`. */
  readonly label: string;
}

/** Milliseconds between two looks at runs that are active: watching by the file system misses network drives. */
const pollMs = 2000;
/** Milliseconds that changes of files are gathered. */
const gatherMs = 250;
/** Reports that are kept; each holds all answers, so more would weigh on the host. */
const keptReports = 4;
const storageKey = "discern.runs.elsewhere";

/** A run that was just started. */
export interface BegunRun {
  readonly folder: vscode.Uri;
  /** URIs of the prompt files about which it was asked. */
  readonly askedIn: readonly string[];
}

/** A run with what its folder said last. */
interface Shelved {
  readonly summary: RunSummary;
  /** That of its report, see `JudgedReports`. */
  readonly revision: number;
  readonly run: Run;
}

/** The runs of the workspace, kept as their folders change. */
export class RunLibrary implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<Run | undefined>());
  readonly onDidChange = this.changed.event;
  private readonly beginning = this.store.add(new vscode.EventEmitter<BegunRun>());
  /** Tells that this window started a run, at once or from the queue. */
  readonly onDidBegin = this.beginning.event;
  private readonly readers = new Map<string, SummaryReader>();
  private readonly shelf = new Map<string, Shelved>();
  private readonly judged = new JudgedReports();
  private readonly headlines = new Map<string, { of: string; headline: Headline | null }>();
  private readonly reports = new LRUCache<string, { stamp: string | null; report: Promise<Report> }>({
    max: keptReports,
  });
  /** Stops that were asked for and have not come yet, by path. */
  private readonly stops = new Map<string, Stopping>();
  /** The runs that wait until no other is active. */
  readonly queue: RunQueue;
  /** The runs that this workspace started. */
  readonly started: StartedRuns;
  private readonly memory: vscode.Memento;
  private readonly recompute: Recompute;
  /** Watchers of the folders of runs, which change with the workspace and the settings. */
  private readonly watchers = this.store.add(new DisposableStore());
  private gathering: NodeJS.Timeout | null = null;
  private sorted: readonly Run[] = [];
  private sortedRuns: readonly Run[] = [];
  private readingHeadlines: Promise<void> = Promise.resolve();

  /**
   * @param memory remembers, over reloads of the window, runs that lie outside of the folders of runs.
   * @param recompute works the figures of a report out from people's verdicts.
   */
  constructor(memory: vscode.Memento, recompute: Recompute) {
    this.memory = memory;
    this.recompute = recompute;
    this.queue = new RunQueue(memory);
    this.started = new StartedRuns(memory);
    this.store.add(onSettingChange(["discern.runs.folder"], () => void this.watch()));
    this.store.add(vscode.workspace.onDidChangeWorkspaceFolders(() => void this.watch()));
    const poll = setInterval(() => {
      for (const [path, { run }] of this.shelf) if (isActive(run)) void this.look(path);
    }, pollMs);
    this.store.add({ dispose: () => clearInterval(poll) });
    this.store.add({ dispose: () => clearTimeout(this.gathering ?? undefined) });
  }

  /** The runs and experiments, newest first. */
  get runs(): readonly Run[] {
    return this.sortedRuns;
  }

  /** The same, and reports over several runs that were compared: what the Runs view lists. */
  get listed(): readonly Run[] {
    return this.sorted;
  }

  /** The run of a folder, as it is known now. */
  run(folder: vscode.Uri): Run | undefined {
    return this.shelf.get(folder.fsPath)?.run;
  }

  /** What the run of a folder is called, also of one that is not known (any more). */
  nameOf(folder: vscode.Uri): string {
    return this.run(folder)?.label ?? shownName(folder.fsPath, null);
  }

  /** The experiment that a run belongs to. */
  comparisonOf({ folder }: Pick<Run, "folder">): Run | undefined {
    const above = this.shelf.get(dirname(folder.fsPath))?.run;
    return above?.cells === undefined ? undefined : above;
  }

  /** The runs of an experiment that there are, in the order of its plan. */
  cellsOf({ folder, cells }: Pick<Run, "folder" | "cells">): Run[] {
    return (cells?.names ?? []).flatMap((name) => this.shelf.get(join(folder.fsPath, name))?.run ?? []);
  }

  /** Runs in the folder of an experiment that its plan no longer has. */
  formerCellsOf({ folder, cells }: Pick<Run, "folder" | "cells">): Run[] {
    if (cells === undefined) return [];
    return this.sorted.filter(
      (run) =>
        dirname(run.folder.fsPath) === folder.fsPath && !cells.names.includes(basename(run.folder.fsPath)),
    );
  }

  /** Watches the folders of runs, which may have changed, and the runs that lie elsewhere, and looks into them. */
  async watch(): Promise<void> {
    this.watchers.clear();
    const gather = () => this.gather();
    for (const root of [...runsFolders(), ...this.elsewhere()]) {
      const watcher = this.watchers.add(
        vscode.workspace.createFileSystemWatcher(
          new vscode.RelativePattern(vscode.Uri.file(root), "{*,*/*,*/*/*}"),
        ),
      );
      this.watchers.add(watcher.onDidCreate(gather));
      this.watchers.add(watcher.onDidChange(gather));
      this.watchers.add(watcher.onDidDelete(gather));
    }
    await this.refresh();
  }

  /** Looks for runs anew. Folders that are gone or cannot be read hold none. */
  async refresh(): Promise<void> {
    const candidates = new Set(this.elsewhere());
    // First, so that each folder is looked at once with what is said of its answers now.
    await this.lookAtJudgements();
    const found = await Promise.all(runsFolders().map((root) => findRunFolders(root, { reports: true })));
    for (const path of this.elsewhere())
      if (await isComparison(path)) found.push(await findRunFolders(path, { levels: 1 }));
    for (const path of found.flat()) candidates.add(path);
    for (const path of this.shelf.keys()) candidates.add(path);
    for (const path of candidates) await this.look(path);
  }

  /** A run was just started in this folder, or is to be shown though it lies elsewhere: looks at once. */
  follow(folder: vscode.Uri): void {
    const path = folder.fsPath;
    if (runsFolderAround(path) === null) {
      void this.memory.update(storageKey, [...new Set([...this.elsewhere(), path])]);
      void this.watch();
    } else void this.look(path);
  }

  /** This window has started a run. */
  begun(run: BegunRun): void {
    this.beginning.fire(run);
  }

  /**
   * The report of a run, with people's verdicts on its answers.
   *
   * @throws DiscernError `run-invalid` where there is none or it cannot be read.
   */
  async report(run: Run): Promise<Report> {
    const path = run.folder.fsPath;
    const stamp = await this.reportStamp(run);
    const kept = this.reports.get(path);
    if (kept?.stamp === stamp) return kept.report;
    const report = this.judged.read(path);
    this.reports.set(path, { stamp, report });
    return report;
  }

  /**
   * The figures of a run's report, as people's verdicts on its answers have them: what an open report shows.
   *
   * @throws DiscernError `run-invalid` where there is none or it cannot be read.
   */
  figures({ folder }: Run): Promise<JudgedFigures> {
    return this.judged.figures(folder.fsPath, this.recompute);
  }

  /** Tells one state of a run's report and of people's verdicts on its answers from every other; null where there is no report. */
  async reportStamp({ folder: { fsPath: path } }: Run): Promise<string | null> {
    return this.withRevision(path, await reportStamp(path));
  }

  /** The headline figures of a finished run; null until they are read, which is then told as a change of the run. */
  headline(run: Run): Headline | null {
    const path = run.folder.fsPath;
    if (run.state !== "finished" || run.report === null) return null;
    const kept = this.headlines.get(path);
    if (kept?.of === run.report) return kept.headline;
    // Until it is read, what was known before stays.
    const entry = { of: run.report, headline: kept?.headline ?? null };
    this.headlines.set(path, entry);
    // One after another: a report holds every answer, and many at once would fill the host.
    this.readingHeadlines = this.readingHeadlines.then(async () => {
      // A report that cannot be read is said so when it is opened.
      entry.headline = await this.judged
        .read(path)
        .then(headlineOf)
        .catch(() => null);
      const now = this.run(run.folder);
      if (now && entry.headline) this.changed.fire(now);
    });
    return entry.headline;
  }

  /** A run, or a comparison with its runs at work, is asked to stop: says so at once wherever it is shown. */
  stopAsked({ folder }: Pick<Run, "folder">, keepBest: boolean | null): void {
    const run = this.run(folder);
    if (run === undefined || !isActive(run)) return;
    const cells = this.cellsOf(run).filter(isActive);
    for (const cell of cells) this.setStopping(cell, stoppingOf(cell, keepBest));
    this.setStopping(run, stoppingOf(run, keepBest, cells));
  }

  /** An engine says that it is stopping, whoever asked for that. */
  stopHeard({ folder }: Pick<Run, "folder">, keepBest: boolean | null): void {
    const run = this.run(folder);
    if (run && run.stopping === undefined && !hasStopped(run, keepBest)) this.stopAsked(run, keepBest);
  }

  /** A stop could not be passed on: the run continues. */
  stopFailed({ folder }: Pick<Run, "folder">): void {
    const run = this.run(folder);
    for (const each of run ? [run, ...this.cellsOf(run)] : []) this.setStopping(each, undefined);
  }

  dispose(): void {
    this.store.dispose();
  }

  private setStopping({ folder: { fsPath: path } }: Run, stopping: Stopping | undefined): void {
    const kept = this.shelf.get(path);
    if (kept === undefined || kept.run.stopping === stopping) return;
    if (stopping) this.stops.set(path, stopping);
    else this.stops.delete(path);
    const { stopping: _, ...rest } = kept.run;
    const run: Run = { ...rest, ...(stopping && { stopping }) };
    this.shelf.set(path, { ...kept, run });
    this.update(run);
  }

  /** The stop that was asked for of a run as it now is; forgotten once it has come. */
  private stoppingNow(path: string, summary: RunSummary): Pick<Run, "stopping"> {
    const stopping = this.stops.get(path);
    if (stopping && !hasStopped(summary, stopping.keepBest)) return { stopping };
    this.stops.delete(path);
    return {};
  }

  private withRevision(path: string, stamp: string | null): string | null {
    return stamp && `${stamp} ${this.judged.revision(path)}`;
  }

  /** Finds the reports of which another report's judgements changed an answer: they are others from now on. */
  private async lookAtJudgements(): Promise<void> {
    const around = await Promise.all(this.elsewhere().map(sharedLogsOf));
    for (const path of new Set([...runsFolders().map(sharedJudgementsPath), ...around.flat()])) {
      await this.judged.look(path).catch((error: Error) => log.warn(error.message));
    }
  }

  private elsewhere(): readonly string[] {
    return this.memory.get<readonly string[]>(storageKey, []);
  }

  private gather(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = null;
      void this.refresh();
    }, gatherMs);
  }

  /** Reads what is new in a folder and tells of it. */
  private async look(path: string): Promise<void> {
    const reader = await this.reader(path);
    const summary = await reader.read().catch((error: Error) => {
      log.warn(`The run folder ${path} could not be read: ${error.message}`);
      return null;
    });
    // Looked up only now: while it was read another look may have put it there, or taken it away.
    const before = this.shelf.get(path);
    // Not every change of a file is told: a comparison itself says which of its runs have begun.
    const begun = [...(summary?.cells?.running ?? []), ...(summary?.cells?.finished ?? [])];
    const unknown = begun.map((cell) => join(path, cell)).filter((cell) => !this.shelf.has(cell));
    if (unknown.length > 0) void Promise.all(unknown.map((cell) => this.look(cell)));
    if (summary === null) {
      this.readers.delete(path);
      this.headlines.delete(path);
      this.judged.forget(path);
      if (this.shelf.delete(path)) this.sort();
      return;
    }
    const revision = this.judged.revision(path);
    if (before?.summary === summary && before.revision === revision) return;
    const about = { folder: vscode.Uri.file(path), label: shownName(path, summary.remarks) };
    const report = this.withRevision(path, summary.report);
    const run: Run = { ...summary, ...about, report, ...this.stoppingNow(path, summary) };
    this.shelf.set(path, { summary, revision, run });
    if (before) this.update(run);
    else this.sort();
  }

  /** A folder shows what it is only once its lock has been taken: the reader may have to change. */
  private async reader(path: string): Promise<SummaryReader> {
    const Reader = (await isComparison(path))
      ? ComparisonReader
      : (await isReportAlone(path))
        ? ReportReader
        : RunReader;
    const known = this.readers.get(path);
    if (known instanceof Reader) return known;
    const reader = new Reader(path);
    this.readers.set(path, reader);
    return reader;
  }

  private list(runs: readonly Run[]): void {
    this.sorted = runs;
    this.sortedRuns = runs.filter(({ kind }) => kind !== "report");
  }

  private update(run: Run): void {
    this.list(this.sorted.map((each) => (each.folder.fsPath === run.folder.fsPath ? run : each)));
    this.changed.fire(run);
  }

  private sort(): void {
    const runs = [...this.shelf.values()].map(({ run }) => run);
    // A run that is about to start has no time yet, and is the newest.
    const time = ({ startedAt }: Run) => startedAt ?? "9999";
    // The runs of a comparison stand below it, wherever it stands.
    const place = (run: Run) => {
      const comparison = this.comparisonOf(run);
      return { time: time(comparison ?? run), of: comparison ?? run, inside: comparison !== undefined };
    };
    const inOrder = runs.sort((a, b) => {
      const [one, other] = [place(a), place(b)];
      return (
        other.time.localeCompare(one.time) ||
        one.of.label.localeCompare(other.of.label) ||
        Number(one.inside) - Number(other.inside) ||
        time(b).localeCompare(time(a)) ||
        a.label.localeCompare(b.label)
      );
    });
    this.list(inOrder);
    this.changed.fire(undefined);
  }
}
