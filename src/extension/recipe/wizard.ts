import { access } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import * as vscode from "vscode";
import type { PromptRecord } from "../../dataset/record.ts";
import { fileNameSchema } from "../../protocol/fileName.ts";
import type { NamedModel } from "../../protocol/model.ts";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { runCommand } from "../contributions.ts";
import { recipeName } from "../models/find.ts";
import type { ModelLibrary } from "../models/library.ts";
import type { PromptFile, PromptLibrary } from "../prompts/library.ts";
import { columnOf } from "../prompts/workspaceFiles.ts";
import { proposeUses, type RecipeFile, type UsedFile } from "./fileUses.ts";
import { portableModel } from "./modelName.ts";
import { newRecipe } from "./newRecipe.ts";
import { reviewUses } from "./reviewUses.ts";

/** What a caller may know already. */
export interface WizardGiven {
  /** Path or name of the model, with adapters where it begins with some. */
  readonly model?: string | NamedModel;
  /** Prompt files that are ticked at first. */
  readonly files?: readonly vscode.Uri[];
}

/**
 * Asks for a model and prompt files, shows how each file will be used, asks for a name, and writes the recipe beside the workspace's files. No
 * file is overwritten.
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
  const asked = given.model ?? (await pickModel(models));
  if (folder === undefined || asked === undefined) return undefined;
  const model = portableModel(asked, await models.models(), folder.fsPath);
  await prompts.discovered();
  const ticked = new Set(given.files?.map(String));
  let chosen: readonly PromptFile[] = prompts.files.filter(({ uri }) => ticked.has(uri.toString()));
  let used: readonly UsedFile[] | "back" | undefined = "back";
  while (used === "back") {
    const files = await pickFiles(prompts, chosen);
    if (files === undefined) return undefined;
    chosen = files;
    const read = await Promise.all(files.map((file) => recipeFile(prompts, file, folder.fsPath)));
    used = await reviewUses(proposeUses(read), model);
  }
  const name = used && (await askName(folder.fsPath));
  if (used === undefined || name === undefined) return undefined;
  const path = join(folder.fsPath, `${name}${recipeSuffix}`);
  await writeAtomic(path, `${JSON.stringify(newRecipe(name, model, used), null, 2)}\n`);
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
    title: "New Recipe (1/4): Model",
    placeHolder: "The model that is trained",
    matchOnDescription: true,
  });
  if (chosen === pull) {
    await runCommand("discern.models.pull");
    return pickModel(models);
  }
  if (chosen === other) {
    return vscode.window.showInputBox({
      title: "New Recipe (1/4): Model",
      prompt:
        "Hugging Face folder, GGUF file, name of a pulled model, or owner/name[@revision] of the Hugging Face cache",
    });
  }
  return chosen?.model;
}

/** @param chosen those that are ticked at first. */
async function pickFiles(
  prompts: PromptLibrary,
  chosen: readonly PromptFile[],
): Promise<readonly PromptFile[] | undefined> {
  if (prompts.files.length === 0) return [];
  const picked = await vscode.window.showQuickPick(
    prompts.files.map((file) => {
      const problem = problemOf(file);
      return {
        label: file.path,
        ...(problem !== undefined && { description: `$(warning) ${problem}` }),
        picked: chosen.includes(file),
        file,
      };
    }),
    {
      title: "New Recipe (2/4): Data",
      placeHolder: "Prompt files to train and evaluate on; the starter set stands in for what they lack",
      canPickMany: true,
      matchOnDescription: true,
    },
  );
  return picked?.map(({ file }) => file);
}

/** Why a file cannot be used as it is; undefined where nothing is known against it. */
function problemOf({ state, failure }: PromptFile): string | undefined {
  if (state === "unclear") return "its columns are not known; choose them in the Prompts view";
  return state === "failed" || state === "empty" ? (failure ?? "it cannot be read") : undefined;
}

async function recipeFile(prompts: PromptLibrary, file: PromptFile, root: string): Promise<RecipeFile> {
  const path = relative(root, file.uri.fsPath).split(sep).join("/");
  const unread = (problem: string) => ({ path, records: [], problem });
  let read: PromptFile;
  try {
    if (file.state === "unclear") return unread(problemOf(file)!);
    read = await prompts.open(file.uri);
  } catch (error) {
    return unread(error instanceof Error ? error.message : String(error));
  }
  const problem = problemOf(read);
  if (problem !== undefined) return unread(problem);
  const records = read.records.map((record): PromptRecord => {
    const { label: _, ...rest } = record;
    const label = read.labelOf(record);
    return label === undefined ? rest : { ...rest, label };
  });
  const column = columnOf(file.uri);
  return { path, records, ...(column !== undefined && { column }) };
}

/** Asks for the name of a recipe, which names its file and its runs; one that is free is proposed. */
async function askName(folder: string): Promise<string | undefined> {
  const isTaken = (name: string) =>
    access(join(folder, `${name}${recipeSuffix}`)).then(
      () => true,
      () => false,
    );
  let free = "dcr";
  for (let n = 2; await isTaken(free); n++) free = `dcr-${n}`;
  return vscode.window.showInputBox({
    title: "New Recipe (4/4): Name",
    prompt: "Name of the recipe, of its file and of its runs",
    value: free,
    async validateInput(name) {
      const { error } = fileNameSchema.safeParse(name);
      if (error) return `A name that becomes a file: ${error.issues[0]!.message}.`;
      return (await isTaken(name)) ? `${name}${recipeSuffix} exists. Choose another name.` : undefined;
    },
  });
}
