import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { count } from "../../wording/numbers.ts";
import { onSettingChange, setContext, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import { log } from "../log.ts";
import { selectedRow } from "../selectedRow.ts";
import type { FileNode, PromptNode, TreeNode } from "./branch.ts";
import { hides, type PromptFilter } from "./filter.ts";
import { itemOf, lostItem } from "./items.ts";
import type { PromptChange, PromptFile, PromptLibrary } from "./library.ts";
import { type LostLog, lostHover } from "./lostLog.ts";
import { tooltipOf } from "./tooltips.ts";
import type { TreeModel } from "./treeModel.ts";
import { wordState, wordVerdict } from "./words.ts";

/** Milliseconds after which the counts of a file follow the labels in it: drawing a file draws all that is unfolded in it. */
const PAUSE = 500;

/**
 * Milliseconds between two changes that the editor is told of. What comes sooner it gathers for 200 ms by itself, and until
 * then it selects nothing.
 */
const CALM = 250;

/** Milliseconds by which the selection of the next prompt goes before the rows that move, so that it is seen first. */
const LEAD = 80;

/** Milliseconds that a key waits at most for rows that are being drawn or selected, and between two looks at them. */
const PATIENCE = 5000;
const AGAIN = 25;

/** What a row of the view is of. */
export type Row = TreeNode | LostLog;

/** The Prompts view. */
export class PromptTree implements vscode.TreeDataProvider<Row>, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly library: PromptLibrary;
  private readonly model: TreeModel;
  private readonly change = this.store.add(new vscode.EventEmitter<Row | Row[] | undefined>());
  private readonly view: vscode.TreeView<Row>;
  private readonly uncounted = new Set<FileNode>();
  /** Read because somebody unfolds them. The editor folds a row again that is drawn anew while it waits for its children. */
  private readonly unfolding = new Set<PromptFile>();
  private counting: NodeJS.Timeout | undefined;
  /** To be drawn anew, once the editor has drawn what it was told of before. */
  private readonly stale = new Set<TreeNode>();
  private drawing: NodeJS.Timeout | undefined;
  private drawn = -CALM;
  /** The prompt that was labelled last outside of the view, until it is selected here. */
  private labelled: { readonly file: PromptFile; readonly id: string } | undefined;
  private leading: NodeJS.Timeout | undefined;
  /** Settles once the editor has selected what it was told to. */
  private selecting: Promise<unknown> = Promise.resolve();
  readonly onDidChangeTreeData = this.change.event;

  constructor(library: PromptLibrary, model: TreeModel) {
    this.library = library;
    this.model = model;
    this.view = this.store.add(
      vscode.window.createTreeView("discern.prompts", {
        treeDataProvider: this,
        canSelectMany: true,
        showCollapseAll: true,
      }),
    );
    this.store.add(library.onDidChange((change) => this.follow(change)));
    this.store.add(
      onSettingChange(["discern.prompts.groupBy"], () => {
        model.groupBy = setting("discern.prompts.groupBy");
        this.redraw();
      }),
    );
    this.store.add(library.onDidBeginListing((listing) => void this.showListing(listing)));
    this.store.add(library.onDidLabelElsewhere((labelled) => this.followLabel(labelled)));
    this.store.add(this.view.onDidChangeVisibility(() => this.selectLabelled()));
    this.store.add({ dispose: () => [this.counting, this.drawing, this.leading].forEach(clearTimeout) });
    setContext("discern.prompts.filtered", false);
  }

  dispose(): void {
    this.store.dispose();
  }

  /**
   * What a key is about: the row that has the focus, with the selection where it is part of it. The arrow keys move the focus
   * alone.
   */
  async chosen(): Promise<readonly TreeNode[]> {
    await Promise.race([this.selecting, sleep(PATIENCE)]);
    if (!this.view.visible) return this.view.selection.filter(isNode);
    const end = performance.now() + PATIENCE;
    for (;;) {
      const told = await this.toggleTwice();
      const { selection } = this.view;
      const focused = told[0]?.find((node) => !selection.includes(node));
      if (focused) return [focused].filter(isNode);
      // Rows that are being drawn anew have no names yet: something is selected, and it is nothing that we know.
      const isUnnamed = told.length > 0 && selection.length === 0 && told[0]!.length === 0;
      if (!isUnnamed || performance.now() > end) return selection.filter(isNode);
      await sleep(AGAIN);
    }
  }

  /** The row that was clicked. */
  clicked(): Promise<Row | undefined> {
    return selectedRow(this.view);
  }

  /**
   * Has the editor put the row with the focus into the selection, or take it out, and the other way round: nothing changes,
   * and it shows which row that is, which no extension is told. Clicks that came before were told of before.
   *
   * @returns the selections that the editor told of: none where no row has the focus.
   */
  private async toggleTwice(): Promise<(readonly Row[])[]> {
    const told: (readonly Row[])[] = [];
    const listening = this.view.onDidChangeSelection(({ selection }) => told.push(selection));
    try {
      const toggle = "list.toggleSelection";
      await vscode.commands.executeCommand("runCommands", { commands: [toggle, toggle] });
    } finally {
      listening.dispose();
    }
    return told;
  }

  /** Selects a prompt: the next key is about it. */
  select(node: PromptNode): void {
    if (!this.view.visible) return;
    const place = `${node.file.path}:${node.record.line}`;
    this.selecting = Promise.resolve(this.view.reveal(node, { select: true, focus: true })).catch((error) =>
      log.debug(`The Prompts view could not select ${place}: ${error}`),
    );
  }

  /** Selects a prompt that was labelled elsewhere, once the rows that move by its label are drawn. */
  private followLabel(labelled: { readonly file: PromptFile; readonly id: string }): void {
    this.labelled = labelled;
    clearTimeout(this.leading);
    this.leading = setTimeout(() => this.selectLabelled(), CALM + LEAD);
  }

  /** The keyboard stays where the label was given. A view that is not in sight follows when it is: to select a row would open it. */
  private selectLabelled(): void {
    if (!this.labelled || !this.view.visible) return;
    const { file, id } = this.labelled;
    this.labelled = undefined;
    const branch = this.model.branch(file);
    const [number] = branch?.outline.numbersOf(id) ?? [];
    const node = number === undefined ? undefined : branch?.prompt(number);
    // A filter may hide it.
    if (!node || this.getParent(node)?.type === "file") return;
    this.selecting = this.selectUntilStill(node);
  }

  /** A row that is drawn anew while it is selected loses the selection, so it is selected again. What a person selects meanwhile stays. */
  private async selectUntilStill(node: PromptNode): Promise<void> {
    const end = performance.now() + PATIENCE;
    do {
      try {
        await this.view.reveal(node, { select: true, focus: false });
      } catch (error) {
        log.debug(`The Prompts view could not select ${node.file.path}:${node.record.line}: ${error}`);
      }
      await sleep(PAUSE);
    } while (
      this.view.visible &&
      this.view.selection.length === 0 &&
      this.labelled === undefined &&
      performance.now() < end
    );
  }

  /** Shows only what passes a filter. */
  setFilter(filter: PromptFilter): void {
    this.model.filter = filter;
    setContext("discern.prompts.filtered", hides(filter));
    this.redraw();
  }

  /**
   * Reads the files that nobody unfolded yet, so that a search finds what is in them. Large files and those whose column is
   * unclear stay as they are.
   */
  async readAll(): Promise<void> {
    const unread = (await this.library.discovered()).filter(({ state }) => state === "unread");
    if (unread.length === 0) return;
    await vscode.window.withProgress({ location: { viewId: "discern.prompts" } }, async () => {
      for (const file of unread) {
        // One that has gone meanwhile would be listed again, as a file that was opened from elsewhere.
        if (this.library.file(file.uri) === file) await this.library.open(file.uri).catch(() => undefined);
      }
    });
  }

  /** Shows that files are looked for, where that takes a while. */
  private async showListing(listing: Promise<void>): Promise<void> {
    const done = listing.catch(() => undefined);
    const isLong = await Promise.race([done.then(() => false), sleep(CALM, true)]);
    if (isLong) await vscode.window.withProgress({ location: { viewId: "discern.prompts" } }, () => done);
  }

  async getChildren(node?: Row): Promise<Row[]> {
    if (!node) {
      const roots = this.model.roots(await this.library.discovered());
      void this.library.examine();
      this.summarise();
      // What a search looks for is prompts.
      return hides(this.model.filter) ? roots : [...roots, ...this.library.lost];
    }
    if (node.type === "lost") return [];
    if (node.type === "file" && node.file.state !== "ready") {
      this.unfolding.add(node.file);
      // What is wrong with the file is told at the file itself.
      await this.library.open(node.file.uri).catch(() => undefined);
      this.unfolding.delete(node.file);
    }
    return this.model.branch(node.file)?.children(node) ?? [];
  }

  getTreeItem(node: Row): vscode.TreeItem {
    if (node.type === "lost") return lostItem(node);
    return itemOf(node, this.model.branch(node.file), this.model.filter);
  }

  getParent(node: Row): TreeNode | undefined {
    if (node.type === "lost") return undefined;
    return this.model.branch(node.file)?.parent(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: Row): vscode.TreeItem {
    item.tooltip = node.type === "lost" ? lostHover(node) : tooltipOf(node, this.model.branch(node.file));
    return item;
  }

  private follow(change: PromptChange): void {
    if (change === undefined) {
      // Verdicts may have changed as well.
      if (this.model.filter.verdicts.size > 0) this.model.forget();
      this.redraw();
      return;
    }
    const { file, ids } = change;
    if (file.state === "reading") return;
    if (!ids) {
      this.model.forget(file);
      if (this.unfolding.has(file)) {
        this.countLater(this.model.root(file));
        return;
      }
      this.redraw(hides(this.model.filter) ? undefined : [this.model.root(file)]);
      return;
    }
    const nodes = this.model.update(file, ids);
    this.redraw(nodes);
    if (nodes) this.countLater(this.model.root(file));
  }

  private countLater(root: FileNode): void {
    this.uncounted.add(root);
    clearTimeout(this.counting);
    this.counting = setTimeout(() => {
      const roots = [...this.uncounted];
      this.uncounted.clear();
      this.redraw(roots);
    }, PAUSE);
  }

  /** Draws nodes anew, a moment later; or all, at once. */
  private redraw(nodes?: readonly TreeNode[]): void {
    if (!nodes) {
      this.draw(undefined);
      return;
    }
    for (const node of nodes) this.stale.add(node);
    const wait = Math.max(this.drawn + CALM - performance.now(), LEAD);
    this.drawing ??= setTimeout(() => this.draw([...this.stale]), wait);
  }

  private draw(nodes: TreeNode[] | undefined): void {
    clearTimeout(this.drawing);
    this.drawing = undefined;
    this.stale.clear();
    this.drawn = performance.now();
    this.change.fire(nodes);
    this.summarise();
  }

  /** What the view says of all files while it does not show all prompts: what is searched for, and how many there are. */
  private summarise(): void {
    const branches = this.library.files.map((file) => this.model.branch(file)).filter((b) => b !== undefined);
    const sum = (of: (branch: (typeof branches)[number]) => number) =>
      branches.reduce((total, branch) => total + of(branch), 0);
    const { filter } = this.model;
    this.view.description = hides(filter)
      ? [
          ...wordFilter(filter),
          `${count(sum(({ outline }) => outline.shown))} of ${count(sum(({ outline }) => outline.tally.total))}`,
        ].join(" · ")
      : undefined;
  }
}

function isNode(row: Row): row is TreeNode {
  return row.type !== "lost";
}

function wordFilter({ text, states, kinds, disputed, verdicts }: PromptFilter): string[] {
  const parts = [
    [...states].map(wordState).join(", "),
    [...kinds].map((kind) => kind || "No category").join(", "),
    disputed ? "disputed" : "",
    [...verdicts].map(wordVerdict).join(", "),
  ];
  return [text.trim() === "" ? "" : `“${text.trim()}”`, ...parts].filter((part) => part !== "");
}
