import { dirname } from "node:path";
import * as vscode from "vscode";
import { recipeWork } from "../../recipe/work.ts";
import type { CommandId } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { CheckedFiles } from "./checkedFiles.ts";
import { costLine } from "./costTable.ts";
import type { RecipeFacts } from "./facts.ts";
import { placeTitle } from "./place.ts";

/** The lens that says what a recipe costs, which is worked out when it is on the screen. */
class CostLens extends vscode.CodeLens {
  readonly document: vscode.TextDocument;

  constructor(range: vscode.Range, document: vscode.TextDocument) {
    super(range);
    this.document = document;
  }
}

/** The lens that says where a recipe is computed, and lets one choose. */
class PlaceLens extends vscode.CodeLens {
  readonly document: vscode.TextDocument;

  constructor(range: vscode.Range, document: vscode.TextDocument) {
    super(range);
    this.document = document;
  }
}

/** Above the first line of a recipe: what can be done with it, and about what it costs. */
export class RecipeLens implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly recipes: CheckedFiles;
  private readonly facts: RecipeFacts;
  private readonly changed = this.store.add(new vscode.EventEmitter<void>());

  readonly onDidChangeCodeLenses = this.changed.event;

  constructor(recipes: CheckedFiles, facts: RecipeFacts) {
    this.recipes = recipes;
    this.facts = facts;
    const tell = () => this.changed.fire();
    this.store.add(recipes.onDidCheck(tell));
    this.store.add(facts.onDidPlace(tell));
    this.store.add(vscode.workspace.onDidGrantWorkspaceTrust(tell));
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const { uri } = document;
    const top = new vscode.Range(0, 0, 0, 0);
    const lens = (title: string, command: CommandId | "workbench.trust.manage", tooltip: string) =>
      new vscode.CodeLens(top, { title, command, tooltip, arguments: [uri] });
    if (!vscode.workspace.isTrusted) {
      return [
        lens(
          "$(workspace-untrusted) Trust this workspace to run recipes",
          "workbench.trust.manage",
          "Manage Workspace Trust",
        ),
      ];
    }
    return [
      lens("$(play) Run", "discern.run.start", "Train with this recipe, then evaluate"),
      lens(
        "$(play) Run STL alone",
        "discern.run.startStlAlone",
        "Without the contrastive stages: safety tuning only",
      ),
      lens(
        "$(split-horizontal) Compare methods",
        "discern.run.compareBoth",
        "The untrained model, STL alone and DCR → STL, from the same seed, data order and panels; then one report",
      ),
      new CostLens(top, document),
      new PlaceLens(top, document),
    ];
  }

  async resolveCodeLens(lens: vscode.CodeLens): Promise<vscode.CodeLens> {
    if (lens instanceof PlaceLens) return this.resolvePlace(lens);
    if (!(lens instanceof CostLens)) return lens;
    const { recipe, counts } = await this.recipes.check(lens.document);
    const cost = recipe && (await this.facts.cost(recipe, dirname(lens.document.uri.fsPath), counts));
    const unknown = recipe ? "the model cannot be read" : "the recipe has faults";
    const title = cost ? costLine(cost) : `Cost unknown: ${unknown}`;
    lens.command = { title, command: "" };
    return lens;
  }

  /** What is known of the place; nothing is measured for looking at a recipe. */
  private async resolvePlace(lens: PlaceLens): Promise<vscode.CodeLens> {
    const { recipe, counts } = await this.recipes.check(lens.document);
    const root = dirname(lens.document.uri.fsPath);
    const known = recipe && this.facts.knownPlace(recipe, root, recipeWork(recipe, counts));
    lens.command = {
      title: `$(server-environment) ${recipe ? placeTitle(recipe, known) : "backend and device"}`,
      tooltip: known
        ? `Computed on ${known.device} by ${known.backend}: ${known.reason}`
        : "Choose backend and device; what auto stands for is measured",
      command: "discern.recipe.choosePlace" satisfies CommandId,
      arguments: [lens.document.uri],
    };
    return lens;
  }

  dispose(): void {
    this.store.dispose();
  }
}
