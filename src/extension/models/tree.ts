import { basename } from "node:path";
import * as vscode from "vscode";
import { DisposableStore } from "../disposableStore.ts";
import type { RunLibrary } from "../runs/library.ts";
import { type ModelLine, modelLines, modelSummary } from "./details.ts";
import type { Model, ModelLibrary } from "./library.ts";
import { isSameModel } from "./usage.ts";

/** A row of the Models view: a model, which commands take, or a line about it. */
export type ModelNode = Model | ModelDetail;

interface ModelDetail extends ModelLine {
  readonly of: Model;
  readonly opens?: vscode.Command;
}

/** The Models view. A model is looked into when its row is opened or hovered. */
export class ModelTree implements vscode.TreeDataProvider<ModelNode>, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<ModelNode | undefined>());
  readonly onDidChangeTreeData = this.changed.event;
  private readonly library: ModelLibrary;
  private readonly runs: RunLibrary;

  constructor(library: ModelLibrary, runs: RunLibrary) {
    this.library = library;
    this.runs = runs;
    this.store.add(vscode.window.createTreeView("discern.models", { treeDataProvider: this }));
    this.store.add(library.onDidChange((model) => this.changed.fire(model)));
  }

  async getChildren(node?: ModelNode): Promise<ModelNode[]> {
    if (node === undefined) return [...(await this.library.models())];
    if ("of" in node) return [];
    return [...(await this.ownLines(node)), ...(await this.usedBy(node))];
  }

  getTreeItem(node: ModelNode): vscode.TreeItem {
    return "of" in node ? detailItem(node) : this.modelItem(node);
  }

  async resolveTreeItem(item: vscode.TreeItem, node: ModelNode): Promise<vscode.TreeItem> {
    if ("of" in node) return item;
    const text = new vscode.MarkdownString();
    text.appendMarkdown("**").appendText(node.name).appendMarkdown("**");
    for (const { name, value } of await this.ownLines(node)) {
      text.appendMarkdown("\n\n").appendText(`${name}: ${value}`);
    }
    text.appendMarkdown("\n\n").appendText(node.path);
    item.tooltip = text;
    return item;
  }

  dispose(): void {
    this.store.dispose();
  }

  private modelItem(model: Model): vscode.TreeItem {
    const item = new vscode.TreeItem(model.name, vscode.TreeItemCollapsibleState.Collapsed);
    const inspected = this.library.knownOf(model);
    const broken = inspected !== undefined && "problem" in inspected;
    item.id = model.path;
    item.contextValue = broken ? "model+broken" : "model";
    item.iconPath = broken
      ? new vscode.ThemeIcon("error", new vscode.ThemeColor("list.errorForeground"))
      : new vscode.ThemeIcon("package");
    if (broken) item.description = `cannot be used: ${inspected.problem}`;
    else item.description = inspected ? `${modelSummary(inspected.details)} · ${model.place}` : model.place;
    return item;
  }

  private async ownLines(model: Model): Promise<ModelDetail[]> {
    const lines = await this.library.inspect(model).then(
      (inspected) =>
        "problem" in inspected
          ? [{ name: "Cannot be used", value: inspected.problem, icon: "error" }]
          : modelLines(inspected.details),
      (error: Error) => [{ name: "Not inspected", value: error.message || error.name, icon: "info" }],
    );
    return lines.map((line) => ({ of: model, ...line }));
  }

  private async usedBy(model: Model): Promise<ModelDetail[]> {
    const recipes = (await this.library.recipes()).filter((use) => isSameModel(model.path, use.model));
    const runs = this.runs.runs.filter(
      ({ manifest }) => manifest !== null && isSameModel(model.path, manifest.model.path),
    );
    return [
      ...recipes.map(({ recipe }) => ({
        of: model,
        name: "Used by recipe",
        value: vscode.workspace.asRelativePath(recipe),
        icon: "file-code",
        opens: {
          command: "vscode.open",
          title: `Open ${basename(recipe.fsPath)}`,
          arguments: [recipe],
        },
      })),
      ...runs.map((run) => ({
        of: model,
        name: "Used by run",
        value: run.label,
        icon: "graph-line",
        opens: {
          command: "discern.runs.openDashboard",
          title: `Open ${run.label}`,
          arguments: [run],
        },
      })),
    ];
  }
}

function detailItem({ name, value, icon, opens }: ModelDetail): vscode.TreeItem {
  const item = new vscode.TreeItem(name);
  item.description = value;
  item.tooltip = `${name}: ${value}`;
  item.iconPath = new vscode.ThemeIcon(icon);
  if (opens) item.command = opens;
  return item;
}
