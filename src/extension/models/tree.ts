import * as vscode from "vscode";
import { availableMemory } from "../../recipe/availableMemory.ts";
import { onSettingChange, registerCommand } from "../contributions.ts";
import type { CommandId } from "../contributionTypes.ts";
import { setPlace } from "../device/choose.ts";
import type { Measured } from "../device/measured.ts";
import { deviceRow } from "../device/words.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { RunLibrary } from "../runs/library.ts";
import { selectedRow } from "../selectedRow.ts";
import { type ModelLine, modelLines } from "./details.ts";
import { adaptersOf, byPlace, type Model, type Place } from "./find.ts";
import type { Inspected, ModelLibrary } from "./library.ts";
import { defaultPlan } from "./memory.ts";
import { adapterRow, modelRow, placeRow, type Row } from "./rows.ts";
import { isSameModel } from "./usage.ts";

/** A row of the Models view: a place, a model or adapter, which commands take, or a line about it. */
export type ModelNode = DeviceNode | ModelPlace | Model | ModelDetail;

/** Where models are computed: the first row, where there are models. */
interface DeviceNode {
  readonly isDevice: true;
}

interface ModelPlace {
  readonly shown: Place;
  readonly models: readonly Model[];
}

interface ModelDetail extends ModelLine {
  readonly of: Model;
  /** What a click on it opens. */
  readonly opens?: { readonly command: CommandId | "vscode.open"; readonly given: unknown };
}

/** The Models view. A model is looked into when its row is opened or hovered. */
export class ModelTree implements vscode.TreeDataProvider<ModelNode>, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<ModelNode | undefined>());
  readonly onDidChangeTreeData = this.changed.event;
  private readonly library: ModelLibrary;
  private readonly runs: RunLibrary;
  private readonly measured: Measured;
  private readonly device: DeviceNode = { isDevice: true };

  constructor(library: ModelLibrary, runs: RunLibrary, measured: Measured) {
    this.library = library;
    this.runs = runs;
    this.measured = measured;
    const view = this.store.add(
      vscode.window.createTreeView<ModelNode>("discern.models", { treeDataProvider: this }),
    );
    // Python and other windows fetch models, too, deep in a cache that is not watched.
    this.store.add(view.onDidChangeVisibility(({ visible }) => visible && library.lookAgain()));
    this.store.add(
      registerCommand("discern.models.openRow", async () => {
        const node = await selectedRow(view);
        if (node && "of" in node && node.opens)
          await vscode.commands.executeCommand(node.opens.command, node.opens.given);
      }),
    );
    this.store.add(library.onDidChange((model) => this.changed.fire(model)));
    const ofDevice = () => this.changed.fire(this.device);
    this.store.add(measured.onDidChange(ofDevice));
    this.store.add(onSettingChange(["discern.backend", "discern.device"], ofDevice));
  }

  async getChildren(node?: ModelNode): Promise<ModelNode[]> {
    if (node === undefined) {
      const places = byPlace(await this.library.models());
      // Without models the view's welcome says what can be done.
      const device = places.length === 0 ? [] : [this.device];
      return [...device, ...places.map(({ place, models }) => ({ shown: place, models }))];
    }
    if ("isDevice" in node) return [];
    if ("shown" in node) return [...node.models];
    if ("of" in node || node.kind === "adapter") return [];
    return [...(await this.ownLines(node)), ...(await this.adapters(node)), ...(await this.usedBy(node))];
  }

  getTreeItem(node: ModelNode): vscode.TreeItem {
    if ("isDevice" in node) return deviceItem(this.measured);
    if ("shown" in node) return placeItem(node);
    if ("of" in node) return detailItem(node);
    return node.kind === "adapter" ? adapterItem(node) : modelItem(node, this.library.knownOf(node));
  }

  async resolveTreeItem(item: vscode.TreeItem, node: ModelNode): Promise<vscode.TreeItem> {
    if ("isDevice" in node || "shown" in node || "of" in node || node.kind === "adapter") return item;
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

  private async ownLines(model: Model): Promise<ModelDetail[]> {
    const lines = await this.library.inspect(model).then(
      async (inspected) => {
        if ("problem" in inspected) {
          return [{ name: "Cannot be used", value: inspected.problem, icon: "error" }];
        }
        return [...modelLines(inspected.details, model.hub), await memoryLine(inspected)];
      },
      (error: Error) => [{ name: "Not inspected", value: error.message || error.name, icon: "info" }],
    );
    return lines.map((line) => ({ of: model, ...line }));
  }

  private async adapters(model: Model): Promise<ModelDetail[]> {
    return adaptersOf(model, await this.library.models()).map((adapter) => ({
      ...{ of: model, name: "Adapter", value: adapter.name, icon: "extensions" },
      opens: { command: "discern.models.newRecipe", given: adapter },
    }));
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
        opens: { command: "vscode.open" as const, given: recipe },
      })),
      ...runs.map((run) => ({
        of: model,
        name: "Used by run",
        value: run.label,
        icon: "graph-line",
        opens: { command: "discern.runs.openDashboard" as const, given: run },
      })),
    ];
  }
}

async function memoryLine(inspected: Extract<Inspected, { details: unknown }>): Promise<ModelLine> {
  const { text, fits } = defaultPlan(inspected.facts, (await availableMemory()).bytes);
  return fits
    ? { name: "Default recipe", value: text, icon: "dashboard" }
    : { name: "Default recipe does not fit", value: text, icon: "warning" };
}

function itemOf(label: string, id: string, { description, icon, colour, context }: Row): vscode.TreeItem {
  const item = new vscode.TreeItem(label);
  item.id = id;
  item.description = description;
  // Where a row has a tooltip, that would be read out in its place.
  item.accessibilityInformation = { label: [label, description].filter(Boolean).join(", ") };
  item.contextValue = context;
  item.iconPath = new vscode.ThemeIcon(
    icon,
    colour === undefined ? undefined : new vscode.ThemeColor(colour),
  );
  return item;
}

function deviceItem(measured: Measured): vscode.TreeItem {
  const { description, tooltip } = deviceRow(setPlace(), measured.choices);
  const item = itemOf("Device", "device", { description, icon: "chip", context: "device" });
  item.tooltip = tooltip;
  item.command = { command: "discern.device.choose", title: "Choose Default Device" };
  return item;
}

function placeItem({ shown, models }: ModelPlace): vscode.TreeItem {
  const item = itemOf(shown.title, `place:${shown.folder}`, placeRow(shown, models));
  item.collapsibleState = vscode.TreeItemCollapsibleState.Expanded;
  item.tooltip = shown.folder;
  return item;
}

function modelItem(model: Model, inspected: Inspected | undefined): vscode.TreeItem {
  const item = itemOf(model.name, model.path, modelRow(model, inspected));
  item.collapsibleState = vscode.TreeItemCollapsibleState.Collapsed;
  return item;
}

function adapterItem(adapter: Model): vscode.TreeItem {
  const item = itemOf(adapter.name, adapter.path, adapterRow(adapter));
  item.tooltip = [adapter.path, ...(adapter.base === null ? [] : [`Base model: ${adapter.base}`])].join("\n");
  return item;
}

function detailItem({ name, value, icon, opens }: ModelDetail): vscode.TreeItem {
  const item = new vscode.TreeItem(name);
  item.description = value;
  item.tooltip = `${name}: ${value}`;
  item.iconPath = new vscode.ThemeIcon(icon);
  if (opens) item.command = { command: "discern.models.openRow" satisfies CommandId, title: "Open" };
  return item;
}
