import { basename } from "node:path";
import * as vscode from "vscode";
import { probeSuffix } from "../../protocol/probe/result.ts";
import { runCommand, setContext } from "../contributions.ts";
import type { CommandId } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import { selectedRow } from "../selectedRow.ts";
import { contextValue, type Detail, description, details, kindWord, stateIcons } from "./describe.ts";
import { passesFilter } from "./filter.ts";
import type { Run, RunLibrary } from "./library.ts";
import type { QueuedRun } from "./queue.ts";
import { isActive } from "./summary.ts";

/** A row of the Runs view: a run, which commands take, a line about it, or the file of a probe's result. */
export type RunNode =
  | RunRow
  | { readonly of: RunRow; readonly detail: Detail }
  | { readonly of: RunRow; readonly result: string }
  | { readonly queued: QueuedRun };

/** The row of a run; it stays the same object while the run goes on. */
export interface RunRow {
  run: Run;
}

/**
 * The Runs view: a row per run, and below it what one wants to know without opening anything. An experiment (a comparison, benchmark or
 * sweep) is one row, with its runs below it.
 */
export class RunTree implements vscode.TreeDataProvider<RunNode>, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<RunNode | undefined>());
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<RunNode>;
  private readonly library: RunLibrary;
  private readonly rows = new Map<string, RunRow>();
  private shownFilter = "";
  /** The paths of the rows that the view was given last. */
  private drawn = "";

  constructor(library: RunLibrary) {
    this.library = library;
    this.view = this.store.add(
      vscode.window.createTreeView("discern.runs", {
        treeDataProvider: this,
        canSelectMany: true,
        showCollapseAll: true,
      }),
    );
    this.store.add(
      library.onDidChange((run) => {
        const row = run && this.rows.get(run.folder.fsPath);
        if (row) row.run = run;
        // What is said of a run decides whether a filter shows it. While the same are shown, the one row alone is drawn anew: rows that are have no
        // names for a moment, and their buttons nothing to be about.
        this.changed.fire(this.rootPaths() === this.drawn ? row : undefined);
        this.showActive();
        this.showMessage();
      }),
    );
    this.store.add(library.queue.onDidChange(() => this.changed.fire(undefined)));
    this.showActive();
  }

  /** The runs that are selected in the view. */
  get selected(): Run[] {
    return this.view.selection.flatMap((node) => ("run" in node ? [node.run] : []));
  }

  /** What the rows shown are chosen by: words of `passesFilter`. Of an experiment that passes, or one of whose runs does, all is shown. */
  get filter(): string {
    return this.shownFilter;
  }

  set filter(words: string) {
    this.shownFilter = words.trim();
    setContext("discern.runs.filtered", this.shownFilter !== "");
    this.changed.fire(undefined);
    this.showMessage();
  }

  getChildren(node?: RunNode): RunNode[] {
    if (node === undefined)
      return [...this.library.queue.waiting.map((queued) => ({ queued })), ...this.roots()];
    if (!("run" in node)) return [];
    const results = (node.run.results ?? []).map((result) => ({ of: node, result }));
    return [...this.lines(node), ...results];
  }

  private lines(node: RunRow): RunNode[] {
    const { run } = node;
    const cells = new Map(this.library.cellsOf(run).map((cell) => [basename(cell.folder.fsPath), cell]));
    const former = this.library.formerCellsOf(run).map((cell) => this.row(cell));
    const lines = details(run, this.library.headline(run)).map((detail) => {
      const cell = detail.cell === undefined ? undefined : cells.get(detail.cell);
      return cell ? this.row(cell) : { of: node, detail };
    });
    return [...lines, ...former];
  }

  getParent(node: RunNode): RunNode | undefined {
    if ("queued" in node) return undefined;
    if (!("run" in node)) return node.of;
    const comparison = this.library.comparisonOf(node.run);
    return comparison && this.row(comparison);
  }

  getTreeItem(node: RunNode): vscode.TreeItem {
    const item = this.itemOf(node);
    if (opens(node)) item.command = { command: openRow, title: "Open" };
    return item;
  }

  /** Opens what the row is for that was clicked. */
  async openSelected(): Promise<void> {
    const node = await selectedRow(this.view);
    const opened = node && opens(node);
    if (opened) await runCommand(opened.command, opened.given);
  }

  private itemOf(node: RunNode): vscode.TreeItem {
    if ("run" in node) return this.runItem(node.run);
    if ("queued" in node) return queuedItem(node.queued, this.library.queue.waiting);
    return "result" in node ? resultItem(node.result) : detailItem(node.detail);
  }

  /** Fills in the hover, which is asked for only when it is shown. */
  resolveTreeItem(item: vscode.TreeItem, node: RunNode): vscode.TreeItem {
    if ("run" in node) item.tooltip = tooltip(node.run, this.ownDetails(node.run));
    return item;
  }

  dispose(): void {
    this.store.dispose();
  }

  /** The lines about a run itself, without those of its cells. */
  private ownDetails(run: Run): Detail[] {
    return details(run, this.library.headline(run)).filter(({ cell }) => cell === undefined);
  }

  private roots(): RunRow[] {
    const runs = this.library.listed;
    const there = new Set(runs.map(({ folder }) => folder.fsPath));
    for (const path of this.rows.keys()) if (!there.has(path)) this.rows.delete(path);
    this.drawn = this.rootPaths();
    return this.shownRoots().map((run) => this.row(run));
  }

  private rootPaths(): string {
    return this.shownRoots()
      .map(({ folder }) => folder.fsPath)
      .join("\n");
  }

  private row(run: Run): RunRow {
    const path = run.folder.fsPath;
    const row = this.rows.get(path) ?? { run };
    row.run = run;
    this.rows.set(path, row);
    return row;
  }

  private runItem(run: Run): vscode.TreeItem {
    const { Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    // What a comparison is at work on is to be seen; where a person folds it, the editor remembers that.
    const folded = run.cells !== undefined && isActive(run) ? Expanded : Collapsed;
    const item = new vscode.TreeItem(run.label, folded);
    const { icon, color } = stateIcons[run.state];
    item.id = run.folder.fsPath;
    item.iconPath = new vscode.ThemeIcon(icon, new vscode.ThemeColor(color));
    item.description = description(run, this.library.headline(run));
    item.contextValue = contextValue(run);
    item.accessibilityInformation = {
      label: `${run.label}, ${run.state}, ${item.description}`,
    };
    return item;
  }

  private showMessage(): void {
    if (this.shownFilter === "") {
      this.view.message = undefined;
      return;
    }
    const all = this.allRoots();
    this.view.message = `Filter "${this.shownFilter}": ${this.shownRoots().length} of ${all.length} shown`;
  }

  /** Runs, experiments and reports, without the runs of experiments. */
  private allRoots(): Run[] {
    return this.library.listed.filter((run) => this.library.comparisonOf(run) === undefined);
  }

  private shownRoots(): Run[] {
    const passes = (run: Run) => passesFilter(run, this.shownFilter);
    return this.allRoots().filter((run) => passes(run) || this.library.cellsOf(run).some(passes));
  }

  private showActive(): void {
    // An experiment is no run besides those that it consists of.
    const value = this.library.runs.filter((run) => isActive(run) && run.cells === undefined).length;
    const words = value === 1 ? "1 active run" : `${value} active runs`;
    this.view.badge = value > 0 ? { value, tooltip: words } : undefined;
  }
}

const openRow: CommandId = "discern.runs.openRow";

const opening: Record<NonNullable<Detail["opens"]>, CommandId> = {
  dashboard: "discern.runs.openDashboard",
  report: "discern.runs.openReport",
  notes: "discern.runs.editNotes",
};

/** What a click on a row opens: a command, with what it is given. Undefined where a click only selects or unfolds. */
function opens(node: RunNode): { command: CommandId; given: unknown } | undefined {
  if ("queued" in node) return undefined;
  if ("result" in node) return { command: "discern.laboratory.open", given: { result: node.result } };
  if ("detail" in node) {
    const { opens } = node.detail;
    return opens && { command: opening[opens], given: node.of.run };
  }
  // A click on a run unfolds it; an experiment and a report have one page that is what people come for.
  const { kind, folder } = node.run;
  if (kind === undefined) return undefined;
  return {
    command: kind === "report" ? "discern.runs.openReport" : "discern.benchmark.openMatrix",
    given: folder,
  };
}

function detailItem({ name, value, icon, note }: Detail): vscode.TreeItem {
  const item = new vscode.TreeItem(name);
  item.description = value;
  item.tooltip = [`${name}: ${value}`, ...(note === undefined ? [] : [note])].join("\n\n");
  item.iconPath = new vscode.ThemeIcon(icon);
  return item;
}

/** A run that waits for the end of those that are active. */
function queuedItem(run: QueuedRun, waiting: readonly QueuedRun[]): vscode.TreeItem {
  const item = new vscode.TreeItem(run.name);
  const place = waiting.findIndex(({ id }) => id === run.id) + 1;
  item.id = `queued:${run.id}`;
  item.description = waiting.length === 1 ? "waiting" : `waiting, ${place} of ${waiting.length}`;
  item.tooltip = `${run.name} starts when no run is active any more, however that ends.`;
  item.accessibilityInformation = { label: `${run.name}, ${item.description}` };
  item.iconPath = new vscode.ThemeIcon("clock", new vscode.ThemeColor("charts.blue"));
  item.contextValue = "queuedRun";
  return item;
}

/** The result of a probe, which opens as the laboratory page. */
function resultItem(result: string): vscode.TreeItem {
  const name = basename(result).replace(probeSuffix, "");
  const item = new vscode.TreeItem(name);
  item.id = result;
  item.description = "result of a probe";
  // A tooltip would be read instead, which begins with the path.
  item.accessibilityInformation = { label: `${name}, ${item.description}` };
  item.tooltip = result;
  item.iconPath = new vscode.ThemeIcon("beaker");
  item.contextValue = "probeResult";
  return item;
}

/** Names come from recipes and files, so they are appended as text and never as Markdown. */
function tooltip(run: Run, lines: readonly Detail[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  const time = (at: string | undefined) => (at === undefined ? null : new Date(at).toLocaleString("en"));
  const row = (name: string, value: string) => {
    text.appendMarkdown("\n\n").appendText(`${name}: ${value}`);
  };
  text.appendMarkdown("**").appendText(run.label).appendMarkdown("** — ");
  text.appendText(`${kindWord(run)}, ${run.state}`);
  const tags = run.remarks?.tags ?? [];
  if (tags.length > 0) row("Tags", tags.join(", "));
  for (const { name, value } of lines) row(name, value);
  // These are our own sentences; as text their words would be broken anywhere.
  for (const note of new Set(lines.flatMap(({ note }) => note ?? []))) text.appendMarkdown(`\n\n${note}`);
  const [began, ended] = [time(run.startedAt), time(run.finishedAt)];
  if (began) row("Started", began);
  if (ended) row("Ended", ended);
  row("Folder", run.folder.fsPath);
  return text;
}
