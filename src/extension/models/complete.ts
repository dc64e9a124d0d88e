import { dirname } from "node:path";
import * as vscode from "vscode";
import { portableName } from "../recipe/modelName.ts";
import { suggestionsFor, wantedAt } from "./completed.ts";
import type { ModelLibrary } from "./library.ts";

/** Offers the models and adapters of this machine where a recipe names them. */
export class ModelCompletion implements vscode.CompletionItemProvider {
  private readonly library: ModelLibrary;

  constructor(library: ModelLibrary) {
    this.library = library;
  }

  async provideCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
  ): Promise<vscode.CompletionItem[]> {
    const wanted = wantedAt(document.getText(), document.offsetAt(position));
    if (wanted === null || !vscode.workspace.isTrusted) return [];
    const range = new vscode.Range(
      document.positionAt(wanted.offset),
      document.positionAt(wanted.offset + wanted.length),
    );
    const folder = dirname(document.uri.fsPath);
    const models = await this.library.models();
    return suggestionsFor(wanted.kind, models).map(({ name, description }) => {
      const text = JSON.stringify(portableName(name, models, folder));
      const item = new vscode.CompletionItem({ label: text, description }, vscode.CompletionItemKind.Value);
      item.range = range;
      item.filterText = text;
      return item;
    });
  }
}
