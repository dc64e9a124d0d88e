import { dirname, resolve, sep } from "node:path";
import * as vscode from "vscode";
import { modelsHome } from "../../modelsHome/home.ts";
import { hubCacheHome } from "../../modelsHome/hubHome.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { InternalError } from "../../protocol/wireError.ts";
import { type ModelFacts, modelFactsSchema } from "../../recipe/modelFacts.ts";
import { onSettingChange, setting } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { type ModelDetails, modelDetailsSchema } from "./details.ts";
import { findAll, type Model, type Place } from "./find.ts";
import { isSameModel, modelOfRecipe } from "./usage.ts";

/** What is known of a model: what it is, or why it cannot be used. */
export type Inspected =
  | { readonly details: ModelDetails; readonly facts: ModelFacts }
  | { readonly problem: string };

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
    // Models come into these two from outside of the workspace. Only the folders themselves are watched: a cache may be huge.
    for (const folder of [modelsHome(), hubCacheHome()]) {
      const pattern = new vscode.RelativePattern(vscode.Uri.file(folder), "*");
      const watcher = this.store.add(vscode.workspace.createFileSystemWatcher(pattern));
      this.store.add(watcher.onDidCreate(gather));
      this.store.add(watcher.onDidDelete(gather));
    }
    const look = ({ fsPath }: vscode.Uri) => this.fileChanged(fsPath);
    this.store.add(files.onDidCreate(look));
    this.store.add(files.onDidChange(look));
    this.store.add(files.onDidDelete(look));
    this.store.add(onSettingChange(["discern.models.folders", "discern.runs.folder"], gather));
    this.store.add(vscode.workspace.onDidChangeWorkspaceFolders(gather));
    this.store.add(vscode.workspace.onDidGrantWorkspaceTrust(gather));
    this.store.add({ dispose: () => clearTimeout(this.gathering ?? undefined) });
  }

  /** The models and adapters, place by place, by name. */
  models(): Promise<readonly Model[]> {
    this.found ??= vscode.workspace.isTrusted ? findAll(places(), isOfRun) : Promise.resolve([]);
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
    if (model.problem !== null) return Promise.resolve({ problem: `${model.problem}.` });
    let inspection = this.inspections.get(model.path);
    if (!inspection) {
      inspection = this.engine.call("inspect", { model: model.path, root: dirname(model.path) }).then(
        (answer) => ({ details: modelDetailsSchema.parse(answer), facts: modelFactsSchema.parse(answer) }),
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

  /** Looks for models anew, where they were looked for: names of files alone are read. */
  lookAgain(): void {
    if (this.found) this.gather();
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

function places(): Place[] {
  const workspace = vscode.workspace.workspaceFolders ?? [];
  const folders = setting("discern.models.folders").map((folder) => resolve(folder));
  return [
    ...workspace.flatMap(({ uri, name }): Place[] => [
      { kind: "workspace", title: name, folder: uri.fsPath, within: "models" },
      { kind: "workspace", title: name, folder: uri.fsPath },
    ]),
    ...folders.map((folder): Place => ({ kind: "folder", title: folder, folder })),
    { kind: "home", title: "models home", folder: modelsHome() },
    { kind: "cache", title: "Hugging Face cache", folder: hubCacheHome() },
  ];
}

async function recipeUses(): Promise<readonly RecipeUse[]> {
  if (!vscode.workspace.isTrusted) return [];
  const recipes = await vscode.workspace.findFiles(`**/*${recipeSuffix}`, "**/node_modules/**");
  const uses = await Promise.all(
    recipes.map(async (recipe) => ({ recipe, model: await modelOfRecipe(recipe.fsPath) })),
  );
  return uses.flatMap(({ recipe, model }) => (model === null ? [] : [{ recipe, model }]));
}
