import * as vscode from "vscode";
import { adaptersOf, type Model, recipeName } from "./find.ts";
import type { ModelLibrary } from "./library.ts";

/** A model as recipes name it; an adapter with the model that it says it was trained on, or one that a person chooses. */
export async function asked(
  library: ModelLibrary,
  model: Model,
): Promise<{ base: string; adapters: readonly string[] }> {
  if (model.kind === "model") return { base: recipeName(model), adapters: [] };
  const all = await library.models();
  const bases = all.filter((one) => one.kind === "model" && adaptersOf(one, all).includes(model));
  const base = bases.length === 1 ? bases[0] : await pickModel(library, `Base model of ${model.name}`);
  if (base === undefined) throw new vscode.CancellationError();
  return { base: recipeName(base), adapters: [recipeName(model)] };
}

/** Asks for a model of this machine. */
export async function pickModel(library: ModelLibrary, placeHolder = "Model"): Promise<Model | undefined> {
  const models = (await library.models()).filter(({ kind }) => kind === "model");
  const items = models.map((model) => ({ label: model.name, description: model.place.title, model }));
  return (await vscode.window.showQuickPick(items, { placeHolder }))?.model;
}
