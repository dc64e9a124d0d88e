import { dirname } from "node:path";
import * as vscode from "vscode";
import { portableName } from "../recipe/modelName.ts";
import { registerValueCompletion } from "../recipe/valueCompletion.ts";
import { suggestionsFor, wantedAt } from "./completed.ts";
import type { ModelLibrary } from "./library.ts";

/** Offers the models and adapters of this machine where a recipe names them. */
export function registerModelCompletion(library: ModelLibrary): vscode.Disposable {
  return registerValueCompletion(async (document, { path }) => {
    const kind = wantedAt(path);
    if (kind === null || !vscode.workspace.isTrusted) return [];
    const folder = dirname(document.uri.fsPath);
    const models = await library.models();
    return suggestionsFor(kind, models).map(({ name, description }) => ({
      ...{ name: portableName(name, models, folder), description },
    }));
  });
}
