import { dirname, join, relative, resolve, sep } from "node:path";
import * as vscode from "vscode";
import { type FoundModel, findModels, modelsHome } from "../../modelsHome/home.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { InternalError } from "../../protocol/wireError.ts";
import { onSettingChange, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { type ModelDetails, modelDetailsSchema } from "./details.ts";
import { isSameModel, modelOfRecipe } from "./usage.ts";

/** A model found on this machine. */
export interface Model extends FoundModel {
  /** The folder it was found in, as a person knows it. */
  readonly place: string;
}

/** What is known of a model: what it is, or why it cannot be used. */
export type Inspected = { readonly details: ModelDetails } | { readonly problem: string };

/** A recipe of the workspace and the model it uses. */
export interface RecipeUse {
  readonly recipe: vscode.Uri;
  readonly model: string;
}

/** Milliseconds that changes of files are gathered. */
const gatherMs = 500;

/** The models of this machine. Nothing is looked for before it is asked for, and nothing in a restricted workspace. */
export class ModelLibrary implements vscode.Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<Model | undefined>());
  /** Tells when a model became known better, or, with undefined, when the list changed. */
  readonly onDidChange = this.changed.event;
  private readonly engine: Engine;
  private readonly inspections = new Map<string, Promise<Inspected>>();
  private readonly known = new Map<string, Inspected>();
  private found: Promise<readonly Model[]> | null = null;
  private uses: Promise<readonly RecipeUse[]> | null = null;
  private gathering: NodeJS.Timeout | null = null;

  constructor(engine: Engine) {
    this.engine = engine;
    const files = this.store.add(
      vscode.workspace.createFileSystemWatcher(`**/{*${recipeSuffix},config.json,*.gguf,*.safetensors}`),
    );
    const gather = () => this.gather();
    const look = ({ fsPath }: vscode.Uri) => this.fileChanged(fsPath);
    this.store.add(files.onDidCreate(look));
    this.store.add(files.onDidChange(look));
    this.store.add(files.onDidDelete(look));
    this.store.add(onSettingChange(["discern.models.folders", "discern.runs.folder"], gather));
    this.store.add(vscode.workspace.onDidChangeWorkspaceFolders(gather));
    this.store.add(vscode.workspace.onDidGrantWorkspaceTrust(gather));
    this.store.add({ dispose: () => clearTimeout(this.gathering ?? undefined) });
  }

  /** The models, by name. */
  models(): Promise<readonly Model[]> {
    this.found ??= findAll();
    return this.found;
  }

  /** The recipes of the workspace whose model is here. */
  recipes(): Promise<readonly RecipeUse[]> {
    this.uses ??= recipeUses();
    return this.uses;
  }

  /** What is known of a model without asking. */
  knownOf(model: Model): Inspected | undefined {
    return this.known.get(model.path);
  }

  /** Has the engine look into a model, once. A model that cannot be used is an answer too, and no error. */
  inspect(model: Model): Promise<Inspected> {
    let inspection = this.inspections.get(model.path);
    if (!inspection) {
      inspection = this.engine.call("inspect", { model: model.path, root: dirname(model.path) }).then(
        (answer) => ({ details: modelDetailsSchema.parse(answer) }),
        (error) => {
          // A refusal to run, or an engine that did not start, says nothing about the model: it is asked again.
          if (!(error instanceof DiscernError || error instanceof InternalError)) {
            this.inspections.delete(model.path);
            throw error;
          }
          return { problem: wordError(error) };
        },
      );
      this.inspections.set(model.path, inspection);
      void inspection.then(
        (inspected) => {
          this.known.set(model.path, inspected);
          this.changed.fire(model);
        },
        () => undefined,
      );
    }
    return inspection;
  }

  /** Looks for models anew, and forgets what was known of them. */
  refresh(): void {
    this.inspections.clear();
    this.known.clear();
    this.findAnew();
  }

  dispose(): void {
    this.store.dispose();
  }

  private findAnew(): void {
    this.found = null;
    this.uses = null;
    this.changed.fire(undefined);
  }

  private fileChanged(file: string): void {
    // A run writes checkpoints all the time, and none of them is a model of this view.
    if (isOfRun(file)) return;
    for (const path of this.inspections.keys()) {
      if (!isSameModel(path, file)) continue;
      this.inspections.delete(path);
      this.known.delete(path);
    }
    this.gather();
  }

  private gather(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = null;
      // Nobody has asked yet, so there is nothing to be told.
      if (this.found || this.uses) this.findAnew();
    }, gatherMs);
  }
}

/** Whether a path lies in a folder of runs. */
function isOfRun(path: string): boolean {
  return (vscode.workspace.workspaceFolders ?? []).some(({ uri }) =>
    path.startsWith(resolve(uri.fsPath, setting("discern.runs.folder", uri)) + sep),
  );
}

async function findAll(): Promise<readonly Model[]> {
  if (!vscode.workspace.isTrusted) return [];
  const workspace = vscode.workspace.workspaceFolders ?? [];
  const home = modelsHome();
  const places = [
    ...workspace.flatMap(({ uri, name }) => [
      { folder: join(uri.fsPath, "models"), place: `${name}/models` },
      { folder: uri.fsPath, place: name },
    ]),
    ...setting("discern.models.folders").map((folder) => ({ folder: resolve(folder), place: folder })),
    { folder: home, place: "models home" },
  ];
  const models = new Map<string, Model>();
  for (const { folder, place } of places) {
    for (const { path } of await findModels(folder)) {
      // What runs made is shown with the runs.
      if (isOfRun(path) || models.has(path)) continue;
      // The owner belongs to the name of a model, so its place within the folder is its name.
      models.set(path, { path, name: relative(folder, path).replaceAll(sep, "/") || place, place });
    }
  }
  return [...models.values()].sort((a, b) => a.name.localeCompare(b.name));
}

async function recipeUses(): Promise<readonly RecipeUse[]> {
  if (!vscode.workspace.isTrusted) return [];
  const recipes = await vscode.workspace.findFiles(`**/*${recipeSuffix}`, "**/node_modules/**");
  const uses = await Promise.all(
    recipes.map(async (recipe) => ({ recipe, model: await modelOfRecipe(recipe.fsPath) })),
  );
  return uses.flatMap(({ recipe, model }) => (model === null ? [] : [{ recipe, model }]));
}
