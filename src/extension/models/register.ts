/*
 * The Models view lists the models found on this machine. Finding one reads names of files only; the engine looks into a model when its
 * row is opened or hovered, and its answer is kept until the model's files change.
 */

import * as vscode from "vscode";
import { registerCommand, runCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import type { RunLibrary } from "../runs/library.ts";
import { requireTrust } from "../trust.ts";
import type { Model, ModelLibrary } from "./library.ts";
import { pullModel } from "./pull.ts";
import { ModelTree } from "./tree.ts";

/** Registers the Models view with its commands. */
export function registerModels(library: ModelLibrary, engine: Engine, runs: RunLibrary): vscode.Disposable {
  return vscode.Disposable.from(
    new ModelTree(library, runs),
    registerCommand("discern.models.refresh", () => library.refresh()),
    registerCommand("discern.models.pull", async () => {
      requireTrust();
      if (await pullModel(engine)) library.refresh();
    }),
    registerCommand("discern.models.newRecipe", async (given?: Model) => {
      const model = given ?? (await pick(library));
      if (model) await runCommand("discern.recipe.new", { model: model.path });
    }),
    registerCommand("discern.models.reveal", async (given?: Model) => {
      const model = given ?? (await pick(library));
      if (model) await vscode.commands.executeCommand("revealFileInOS", vscode.Uri.file(model.path));
    }),
    registerCommand("discern.models.copyPath", async (given?: Model) => {
      const model = given ?? (await pick(library));
      if (model) await vscode.env.clipboard.writeText(model.path);
    }),
  );
}

async function pick(library: ModelLibrary): Promise<Model | undefined> {
  const models = await library.models();
  const items = models.map((model) => ({ label: model.name, description: model.place, model }));
  return (await vscode.window.showQuickPick(items, { placeHolder: "Model" }))?.model;
}
