import { dirname } from "node:path";
import * as vscode from "vscode";
import type { CommandId } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { CheckedFiles } from "./checkedFiles.ts";
import { costLine } from "./costTable.ts";
import type { RecipeFacts } from "./facts.ts";

/** The lens that says what a recipe costs, which is worked out when it is on the screen. */
class CostLens extends vscode.CodeLens {
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
    ];
  }

  async resolveCodeLens(lens: vscode.CodeLens): Promise<vscode.CodeLens> {
    if (!(lens instanceof CostLens)) return lens;
    const { recipe, counts } = await this.recipes.check(lens.document);
    const cost = recipe && (await this.facts.cost(recipe, dirname(lens.document.uri.fsPath), counts));
    const title = cost ? costLine(cost) : "Cost unknown: the model cannot be read";
    lens.command = { title, command: "" };
    return lens;
  }

  dispose(): void {
    this.store.dispose();
  }
}
