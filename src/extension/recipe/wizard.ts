import { access } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import * as vscode from "vscode";
import type { PromptRecord } from "../../dataset/record.ts";
import type { NamedModel } from "../../protocol/model.ts";
import { type RecipeInput, recipeSuffix } from "../../protocol/recipe.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { runCommand } from "../contributions.ts";
import { recipeName } from "../models/find.ts";
import type { ModelLibrary } from "../models/library.ts";
import type { PromptFile, PromptLibrary } from "../prompts/library.ts";
import { newRecipe, type RecipeFile } from "./newRecipe.ts";

/** What a caller may know already. */
export interface WizardGiven {
  /** Path or name of the model, with adapters where it begins with some. */
  readonly model?: string | NamedModel;
}

/**
 * Asks for a model and for prompt files, writes a recipe for them beside the workspace's files, and opens it. No file is
 * overwritten.
 *
 * @returns the file; undefined where the person ended it.
 * @throws vscode.CancellationError when no folder is open.
 */
export async function createRecipe(
  models: ModelLibrary,
  prompts: PromptLibrary,
  given: WizardGiven = {},
): Promise<vscode.Uri | undefined> {
  const folder = await targetFolder("A recipe is a file beside your prompts. Open a folder first.");
  const model = given.model ?? (await pickModel(models));
  if (folder === undefined || model === undefined) return undefined;
  const files = await pickFiles(prompts);
  if (files === undefined) return undefined;
  const used = await Promise.all(files.map((file) => recipeFile(prompts, file, folder.fsPath)));
  const { name, path } = await freeName(folder.fsPath);
  const recipe = newRecipe(name, shared(model, folder.fsPath), used);
  await writeAtomic(path, `${JSON.stringify(recipe, null, 2)}\n`);
  const file = vscode.Uri.file(path);
  await vscode.window.showTextDocument(file);
  return file;
}

/**
 * The folder of the workspace in which a file is to be written.
 *
 * @param why said where no folder is open.
 * @throws vscode.CancellationError where none is open.
 */
export async function targetFolder(why: string): Promise<vscode.Uri | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 0) {
    const open = "Open Folder";
    const chosen = await vscode.window.showInformationMessage(why, open);
    if (chosen === open) await vscode.commands.executeCommand("vscode.openFolder");
    throw new vscode.CancellationError();
  }
  const [only] = folders;
  const folder = folders.length === 1 ? only : await vscode.window.showWorkspaceFolderPick();
  return folder?.uri;
}

async function pickModel(models: ModelLibrary): Promise<string | undefined> {
  const found = await models.models();
  const other = { label: "$(edit) Another name or path…", model: "" };
  const pull = { label: "$(cloud-download) Pull a model…", model: "" };
  const items = [
    ...found
      .filter(({ kind, problem }) => kind === "model" && problem === null)
      .map((model) => ({
        ...{ label: model.name, description: model.place.title, model: recipeName(model) },
      })),
    pull,
    other,
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: "New Recipe (1/2): Model",
    placeHolder: "The model that is trained",
    matchOnDescription: true,
  });
  if (chosen === pull) {
    await runCommand("discern.models.pull");
    return pickModel(models);
  }
  if (chosen === other) {
    return vscode.window.showInputBox({
      title: "New Recipe (1/2): Model",
      prompt:
        "Hugging Face folder, GGUF file, name of a pulled model, or owner/name[@revision] of the Hugging Face cache",
    });
  }
  return chosen?.model;
}

async function pickFiles(prompts: PromptLibrary): Promise<readonly PromptFile[] | undefined> {
  await prompts.discovered();
  const usable = prompts.files.filter(({ state }) => state !== "unclear" && state !== "failed");
  if (usable.length === 0) return [];
  const chosen = await vscode.window.showQuickPick(
    usable.map((file) => ({ label: file.path, file })),
    {
      title: "New Recipe (2/2): Data",
      placeHolder: "Prompt files to train and evaluate on; the starter set stands in for what they lack",
      canPickMany: true,
    },
  );
  return chosen?.map(({ file }) => file);
}

async function recipeFile(prompts: PromptLibrary, file: PromptFile, root: string): Promise<RecipeFile> {
  const read = await prompts.open(file.uri);
  const labelled = read.records.map((record): PromptRecord => {
    const { label: _, ...rest } = record;
    const label = read.labelOf(record);
    return label === undefined ? rest : { ...rest, label };
  });
  return { path: relative(root, file.uri.fsPath).split(sep).join("/"), records: labelled };
}

/** A model as a recipe in a folder names it; an object only where there are adapters. */
function shared(model: string | NamedModel, root: string): RecipeInput["model"] {
  if (typeof model === "string") return pathName(model, root);
  const { base, adapters } = model;
  if (adapters.length === 0) return pathName(base, root);
  return { base: pathName(base, root), adapters: adapters.map((adapter) => pathName(adapter, root)) };
}

/** What lies inside the workspace is named relative to it, so that the recipe can be shared. */
export function pathName(model: string, root: string): string {
  if (!isAbsolute(model)) return model;
  const inside = relative(root, model);
  return inside !== "" && !inside.startsWith("..") && model.startsWith(root)
    ? inside.split(sep).join("/")
    : model;
}

async function freeName(folder: string): Promise<{ name: string; path: string }> {
  for (let n = 1; ; n++) {
    const name = n === 1 ? "dcr" : `dcr-${n}`;
    const path = join(folder, `${name}${recipeSuffix}`);
    const taken = await access(path).then(
      () => true,
      () => false,
    );
    if (!taken) return { name, path };
  }
}
