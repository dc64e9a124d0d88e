import * as vscode from "vscode";
import { onSettingChange, setContext, setting } from "../contributions.ts";
import type { FileNode, PromptNode, TreeNode } from "./branch.ts";
import { hides, type PromptFilter } from "./filter.ts";
import { itemOf } from "./items.ts";
import type { PromptChange, PromptLibrary } from "./library.ts";
import { tooltipOf } from "./tooltips.ts";
import type { TreeModel } from "./tree_model.ts";
import { count, wordState, wordVerdict } from "./words.ts";

/** Milliseconds after which the counts of a file follow the labels in it: drawing a file draws all that is unfolded in it. */
const PAUSE = 300;

/** Milliseconds after which the editor has told of a selection. */
const SETTLED = 1000;

/** The Prompts view. */
export class PromptTree implements vscode.TreeDataProvider<TreeNode>, vscode.Disposable {
  readonly #library: PromptLibrary;
  readonly #model: TreeModel;
  readonly #change = new vscode.EventEmitter<TreeNode | TreeNode[] | undefined>();
  readonly #view: vscode.TreeView<TreeNode>;
  readonly #disposables: vscode.Disposable[];
  readonly #uncounted = new Set<FileNode>();
  #timer: NodeJS.Timeout | undefined;
  /** Clicked, or selected by us; the editor tells of a selection a moment later, and a key may come sooner. */
  #selected: { readonly node: PromptNode; readonly at: number } | undefined;
  readonly onDidChangeTreeData = this.#change.event;

  constructor(library: PromptLibrary, model: TreeModel) {
    this.#library = library;
    this.#model = model;
    this.#view = vscode.window.createTreeView("discern.prompts", {
      treeDataProvider: this,
      canSelectMany: true,
      showCollapseAll: true,
    });
    this.#disposables = [
      this.#change,
      this.#view,
      this.#view.onDidChangeSelection(({ selection }) => {
        // Until it has settled the editor tells of earlier selections, and of rows that are drawn anew and lose theirs.
        const late = performance.now() - (this.#selected?.at ?? 0) > SETTLED;
        if (late || selection.length > 1) this.#selected = undefined;
      }),
      library.onDidChange((change) => this.#follow(change)),
      onSettingChange(["discern.prompts.groupBy"], () => {
        model.groupBy = setting("discern.prompts.groupBy");
        this.#redraw();
      }),
    ];
    setContext("discern.prompts.filtered", false);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  /** What a person has selected, in the order of selection. */
  get selection(): readonly TreeNode[] {
    return this.#selected ? [this.#selected.node] : this.#view.selection;
  }

  /** Selects a prompt, so that the next key is about it. */
  async select(node: PromptNode): Promise<void> {
    if (!this.#view.visible) return;
    this.expect(node);
    await this.#view.reveal(node, { select: true, focus: true });
  }

  /** Takes a prompt for selected before the editor says so. */
  expect(node: PromptNode): void {
    this.#selected = { node, at: performance.now() };
  }

  /** Shows only what passes a filter. */
  setFilter(filter: PromptFilter): void {
    this.#model.filter = filter;
    setContext("discern.prompts.filtered", hides(filter));
    this.#redraw();
  }

  /**
   * Reads the files that nobody unfolded yet, so that a search finds what is in them. Large files and those whose column is
   * unclear stay as they are.
   */
  async readAll(): Promise<void> {
    const unread = (await this.#library.discovered()).filter(({ state }) => state === "unread");
    if (unread.length === 0) return;
    await vscode.window.withProgress({ location: { viewId: "discern.prompts" } }, async () => {
      for (const file of unread) await this.#library.open(file.uri).catch(() => undefined);
    });
  }

  async getChildren(node?: TreeNode): Promise<TreeNode[]> {
    if (!node) {
      const roots = this.#model.roots(await this.#library.discovered());
      this.#summarise();
      return roots;
    }
    if (node.type === "file" && node.file.state !== "ready") {
      // What is wrong with the file is told at the file itself.
      await this.#library.open(node.file.uri).catch(() => undefined);
    }
    return this.#model.branch(node.file)?.children(node) ?? [];
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    return itemOf(node, this.#model.branch(node.file), this.#model.filter);
  }

  getParent(node: TreeNode): TreeNode | undefined {
    return this.#model.branch(node.file)?.parent(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: TreeNode): vscode.TreeItem {
    item.tooltip = tooltipOf(node, this.#model.branch(node.file));
    return item;
  }

  #follow(change: PromptChange): void {
    if (change === undefined) {
      // Verdicts may have changed as well.
      if (this.#model.filter.verdicts.size > 0) this.#model.forget();
      this.#redraw();
      return;
    }
    const { file, ids } = change;
    // Whoever unfolds a file waits for it already.
    if (file.state === "reading") return;
    if (!ids) {
      this.#model.forget(file);
      this.#redraw(hides(this.#model.filter) ? undefined : [this.#model.root(file)]);
      return;
    }
    const nodes = this.#model.update(file, ids);
    this.#redraw(nodes);
    if (nodes) this.#countLater(this.#model.root(file));
  }

  #countLater(root: FileNode): void {
    this.#uncounted.add(root);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const roots = [...this.#uncounted];
      this.#uncounted.clear();
      this.#redraw(roots);
    }, PAUSE);
  }

  #redraw(nodes?: TreeNode[]): void {
    this.#change.fire(nodes);
    this.#summarise();
  }

  /** What the view says of all files: the work that is open, and what is searched for. */
  #summarise(): void {
    const branches = this.#library.files
      .map((file) => this.#model.branch(file))
      .filter((b) => b !== undefined);
    const sum = (of: (branch: (typeof branches)[number]) => number) =>
      branches.reduce((total, branch) => total + of(branch), 0);
    const unlabelled = sum(({ outline }) => outline.tally.states.unlabelled);
    const disputed = sum(({ outline }) => outline.tally.disputed);
    const tooltip = vscode.l10n.t(
      "{0} prompts without a label and {1} disputed, in the files read so far",
      count(unlabelled),
      count(disputed),
    );
    const open = unlabelled + disputed;
    this.#view.badge = open > 0 ? { value: open, tooltip } : undefined;
    const { filter } = this.#model;
    this.#view.description = hides(filter)
      ? [
          ...wordFilter(filter),
          vscode.l10n.t(
            "{0} of {1}",
            count(sum(({ outline }) => outline.shown)),
            count(sum(({ outline }) => outline.tally.total)),
          ),
        ].join(" · ")
      : undefined;
  }
}

function wordFilter({ text, states, kinds, disputed, verdicts }: PromptFilter): string[] {
  const parts = [
    [...states].map(wordState).join(", "),
    [...kinds].map((kind) => kind || vscode.l10n.t("No kind")).join(", "),
    disputed ? vscode.l10n.t("disputed") : "",
    [...verdicts].map(wordVerdict).join(", "),
  ];
  return [text.trim() === "" ? "" : `“${text.trim()}”`, ...parts].filter((part) => part !== "");
}
