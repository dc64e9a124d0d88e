import { basename, dirname } from "node:path";
import * as vscode from "vscode";
import type { MeasureRow } from "../../protocol/report/measures.ts";
import {
  type BenchmarkCommand,
  type BenchmarkFromPage,
  type BenchmarkToPage,
  benchmarkFromPageSchema,
  type CategoryQuestion,
} from "../../protocol/webview/benchmark.ts";
import { cellFolder, readPlan } from "../../runFolder/comparison.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { sweepResults } from "../../runFolder/sweepResults.ts";
import { TrialRuns } from "../../runFolder/trialRuns.ts";
import { runCommand } from "../contributions.ts";
import type { CommandId } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import { wordError } from "../errors.ts";
import { log } from "../log.ts";
import { openPage, type Page, tabIcon } from "../page/page.ts";
import { saveFromPage } from "../page/save.ts";
import type { JudgedFigures } from "../runs/judgedReports.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import {
  basesOf,
  type CellReport,
  isAskedCategory,
  measuresOfReport,
  measuresOfRuns,
  shownBenchmark,
} from "./shown.ts";
import { useSettings } from "./useSettings.ts";

const commands: Record<BenchmarkCommand, CommandId> = {
  stop: "discern.runs.stop",
  resume: "discern.runs.resume",
  openReport: "discern.runs.openReport",
  openLog: "discern.runs.openLog",
  export: "discern.report.export",
  copyLatex: "discern.report.copyLatex",
  compare: "discern.report.compareEarlier",
};

/** The figures of a cell, and why they do not include people's verdicts, where they do not. */
interface ReadCell extends CellReport, JudgedFigures {}

/** Milliseconds that changes of runs are gathered before the page is told. */
const gatherMs = 250;

/** The page of one comparison, benchmark or sweep: follows its folder and those of its cells while it is there. */
export class BenchmarkPanel {
  readonly panel: vscode.WebviewPanel;
  readonly folder: vscode.Uri;
  private readonly library: RunLibrary;
  private readonly store = new DisposableStore();
  private readonly page: Page<BenchmarkToPage>;
  /** What was measured in cells that have finished, by their names, and the stamp of the report it was read from. */
  private readonly measured = new Map<string, { stamp: string; report: ReadCell | null }>();
  private readonly trials: TrialRuns;
  private told = { benchmark: "", measures: "" };
  private telling: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    panel: vscode.WebviewPanel,
    { extensionUri }: Pick<vscode.ExtensionContext, "extensionUri">,
    library: RunLibrary,
    folder: vscode.Uri,
  ) {
    this.panel = panel;
    this.folder = folder;
    this.library = library;
    this.trials = new TrialRuns(folder.fsPath);
    panel.iconPath = tabIcon(extensionUri, "graph-line");
    panel.title = `Benchmark: ${library.nameOf(folder)}`;
    const page = openPage<BenchmarkToPage, typeof benchmarkFromPageSchema>(panel, extensionUri, {
      name: "benchmark",
      title: panel.title,
      from: benchmarkFromPageSchema,
      onMessage: (message) => this.take(message),
      onReady: () => {
        this.told = { benchmark: "", measures: "" };
        return this.tell();
      },
    });
    this.page = this.store.add(page);
    this.store.add(library.onDidChange((run) => this.concerns(run) && this.soon()));
    this.store.add({ dispose: () => clearTimeout(this.timer) });
    this.store.add(
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        this.measured.clear();
        this.told.measures = "";
        this.soon();
      }),
    );
    panel.onDidDispose(() => this.store.dispose());
    library.follow(folder);
  }

  private concerns(run: Run | undefined): boolean {
    if (run === undefined) return true;
    const { fsPath } = run.folder;
    return fsPath === this.folder.fsPath || dirname(fsPath) === this.folder.fsPath;
  }

  private soon(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.tell();
    }, gatherMs);
  }

  /** Tells the page what changed, one telling after another. */
  private tell(): Promise<void> {
    this.telling = this.telling.then(() =>
      this.look().catch((error: unknown) => {
        this.page.post({ type: "gone", message: wordError(error) });
      }),
    );
    return this.telling;
  }

  private async look(): Promise<void> {
    const plan = await readPlan(this.folder.fsPath);
    const run = this.library.run(this.folder);
    if (run === undefined) return;
    const cells = this.library.cellsOf(run);
    const runs = new Map(cells.map((cell) => [basename(cell.folder.fsPath), cell]));
    this.panel.title = `${plan.sweep === undefined ? "Benchmark" : "Sweep"}: ${run.label}`;
    const benchmark = shownBenchmark({ plan, summary: run, runs });
    this.post("benchmark", JSON.stringify(benchmark), { type: "benchmark", benchmark });
    if (plan.sweep !== undefined) {
      const { created: _, ...results } = await sweepResults(plan, this.trials);
      this.post("measures", JSON.stringify(results), {
        type: "sweep",
        results: { ...results, created: plan.created },
      });
      return;
    }
    if (run.report !== null && run.state === "finished") {
      if (this.told.measures === run.report) return;
      const { report, outdated } = await this.library.figures(run);
      this.post("measures", run.report, { type: "measures", shown: measuresOfReport(report), outdated });
      return;
    }
    const finished = plan.cells.flatMap((cell) => {
      const one = runs.get(cell.name);
      return one && one.report !== null ? [{ ...cell, run: one, stamp: one.report }] : [];
    });
    const stamp = finished.map(({ name, stamp }) => `${name} ${stamp}`).join("\n");
    if (this.told.measures === stamp) return;
    const reports: ReadCell[] = [];
    for (const cell of finished) {
      const found = await this.reportOf(cell);
      if (found !== null) reports.push(found);
    }
    const outdated = reports.find((one) => one.outdated !== null)?.outdated ?? null;
    this.post("measures", stamp, {
      type: "measures",
      shown: measuresOfRuns(reports, basesOf(plan)),
      outdated,
    });
  }

  /** What a cell measured; null where its report cannot be read, which is said when it is opened. */
  private async reportOf(cell: {
    name: string;
    method: string;
    seed: number;
    run: Run;
    stamp: string;
  }): Promise<ReadCell | null> {
    const { name, method, seed, run, stamp } = cell;
    const known = this.measured.get(name);
    if (known?.stamp === stamp) return known.report;
    const report = await this.library.figures(run).then(
      (figures): ReadCell => ({ method, seed, ...figures }),
      (error: Error) => {
        log.warn(`${run.label}: its figures cannot be shown. ${error.message}`);
        return null;
      },
    );
    this.measured.set(name, { stamp, report });
    return report;
  }

  private post(what: "benchmark" | "measures", stamp: string, message: BenchmarkToPage): void {
    if (this.told[what] === stamp) return;
    this.told[what] = stamp;
    this.page.post(message);
  }

  private async take(message: BenchmarkFromPage): Promise<void> {
    const cell = (name: string) => vscode.Uri.file(cellFolder(this.folder.fsPath, { name }));
    switch (message.type) {
      case "command":
        await runCommand(commands[message.command], this.folder);
        return;
      case "openCellLog":
        await runCommand("discern.runs.openLog", cell(message.cell));
        return;
      case "openDashboard":
        await runCommand("discern.runs.openDashboard", cell(message.cell));
        return;
      case "useSettings":
        return useSettings(this.folder, message.cell);
      case "save":
        return saveFromPage({ ...message, format: "csv" }, this.folder);
      case "copy":
        await vscode.env.clipboard.writeText(message.text);
        vscode.window.setStatusBarMessage("Copied", 4000);
        return;
      case "categories":
        this.page.post({ type: "categories", of: message.of, rows: await this.categories(message.of) });
        return;
      case "openAnswers":
        return this.openAnswers(message);
    }
  }

  /** The rows of categories that the page asks for: of the joint report, or, before there is one, of the runs that have finished. */
  private async categories(of: CategoryQuestion): Promise<readonly MeasureRow[]> {
    await this.telling;
    const isAsked = isAskedCategory(of);
    const run = this.library.run(this.folder);
    if (run !== undefined && run.report !== null && run.state === "finished") {
      return measuresOfReport((await this.library.figures(run)).report, isAsked).measures.rows;
    }
    const reports = [...this.measured.values()].flatMap(({ report }) => report ?? []);
    return measuresOfRuns(reports, new Map(), isAsked).measures.rows;
  }

  /** Opens the answers in the joint report, or, before there is one, in that of the run. */
  private async openAnswers({
    method,
    seed,
    suite,
  }: Extract<BenchmarkFromPage, { type: "openAnswers" }>): Promise<void> {
    const run = this.library.run(this.folder);
    const joint = run?.report !== null && run?.state === "finished";
    const { cells } = await readPlan(this.folder.fsPath);
    const own = cells.filter((cell) => cell.method === method && (seed === null || cell.seed === seed));
    const there = own.find((cell) => this.measured.has(cell.name)) ?? own[0];
    if (!joint && there === undefined) return;
    const folder = joint ? this.folder.fsPath : cellFolder(this.folder.fsPath, there!);
    const report = vscode.Uri.file(runPaths(folder).report);
    await runCommand("discern.report.openAnswers", report, {
      suite,
      ...(joint && { method, seed }),
    });
  }
}
