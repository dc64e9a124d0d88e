import { availableParallelism } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import type { Recipe } from "../../protocol/recipe.ts";
import type { PromptCounts } from "../../recipe/check.ts";
import { type Cost, estimateCost, type Machine } from "../../recipe/cost.ts";
import { type ModelFacts, modelFactsSchema } from "../../recipe/modelFacts.ts";
import { measuredSpeed } from "../../runFolder/speed.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Engine } from "../engine/engine.ts";
import type { RunLibrary } from "../runs/library.ts";

/** What is known of the models that recipes name, and of this machine. */
export class RecipeFacts implements vscode.Disposable {
  readonly starter: string;
  private readonly store = new DisposableStore();
  private readonly engine: Engine;
  private readonly runs: RunLibrary;
  private readonly models = new Map<string, Promise<ModelFacts>>();

  constructor(context: vscode.ExtensionContext, engine: Engine, runs: RunLibrary) {
    this.starter = join(context.extensionPath, "datasets/starter");
    this.engine = engine;
    this.runs = runs;
    const watcher = this.store.add(
      vscode.workspace.createFileSystemWatcher("**/{config.json,*.gguf,*.safetensors}"),
    );
    for (const event of [watcher.onDidCreate, watcher.onDidChange, watcher.onDidDelete]) {
      this.store.add(event(() => this.models.clear()));
    }
  }

  /**
   * What the engine says of a model, asked once.
   *
   * @param name as a recipe names it.
   * @param root folder of the recipe.
   * @throws as `Engine.call`; a model that was not found is looked for again the next time.
   */
  model(name: string, root: string): Promise<ModelFacts> {
    const key = `${root}\n${name}`;
    let asked = this.models.get(key);
    if (asked === undefined) {
      asked = this.engine
        .call("inspect", { model: name, root })
        .then((answer) => modelFactsSchema.parse(answer));
      asked.catch(() => this.models.delete(key));
      this.models.set(key, asked);
    }
    return asked;
  }

  /** Cores, and the speed of the newest finished run of the same model on the same device. */
  async machine({ path }: ModelFacts, { device }: Recipe): Promise<Machine> {
    const run = this.runs.runs.find(
      (each) =>
        each.manifest?.model.path === path &&
        (each.device === device || device === "auto") &&
        each.state === "finished",
    );
    return {
      cores: availableParallelism(),
      tokensPerSecond: run ? await measuredSpeed(run.folder.fsPath) : {},
    };
  }

  /**
   * What a recipe costs; null in a restricted workspace, or where its model cannot be read.
   *
   * @param root folder against which its paths are resolved.
   */
  async cost(recipe: Recipe, root: string, counts: PromptCounts): Promise<Cost | null> {
    if (!vscode.workspace.isTrusted) return null;
    const model = await this.model(recipe.model.base, root).catch(() => null);
    return model && estimateCost(recipe, model, await this.machine(model, recipe), counts);
  }

  dispose(): void {
    this.store.dispose();
  }
}
