import { availableParallelism } from "node:os";
import { join } from "node:path";
import * as vscode from "vscode";
import type { DeviceChoice } from "../../protocol/device.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Work } from "../../protocol/work.ts";
import { availableMemory } from "../../recipe/availableMemory.ts";
import type { PromptCounts } from "../../recipe/check.ts";
import { type Cost, estimateCost, type Machine } from "../../recipe/cost.ts";
import { type ModelFacts, modelFactsSchema } from "../../recipe/modelFacts.ts";
import { recipeWork } from "../../recipe/work.ts";
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
  private readonly places = new Map<string, Promise<DeviceChoice>>();
  private readonly known = new Map<string, DeviceChoice>();
  private readonly placed = this.store.add(new vscode.EventEmitter<void>());
  /** Tells when it became known where a recipe would be computed. */
  readonly onDidPlace = this.placed.event;

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

  /**
   * Where a recipe would be computed on this machine. What `auto` stands for may have to be measured; it is asked once for each model.
   *
   * @param work what is asked of the model by a run that does not train; null where a backend's start does not count.
   * @throws as `Engine.call`, and DiscernError `python-unusable`.
   */
  place(recipe: Recipe, root: string, work: Work | null): Promise<DeviceChoice> {
    const key = placeKey(recipe, root, work);
    let asked = this.places.get(key);
    if (asked === undefined) {
      const { backend, device, torch, threads, stages } = recipe;
      const lora = stages.flatMap(({ train }) => (train.method === "lora" ? [train.rank] : []));
      const rank = stages.length === 0 ? {} : { rank: lora[0] ?? null };
      asked = this.engine
        .call("place", {
          ...{ model: recipe.model.base, root, backend, device, torch, ...rank },
          ...(threads === undefined ? {} : { threads }),
          ...(work && { work }),
        })
        .then((choice) => {
          this.known.set(key, choice);
          this.placed.fire();
          return choice;
        });
      asked.catch(() => this.places.delete(key));
      this.places.set(key, asked);
    }
    return asked;
  }

  /** The answer of {@link place}, where it is known: looking at a recipe measures nothing. */
  knownPlace(recipe: Recipe, root: string, work: Work | null): DeviceChoice | null {
    return this.known.get(placeKey(recipe, root, work)) ?? null;
  }

  /**
   * Cores, memory, and the speed of the newest finished run of the same model on the same device.
   *
   * @param choice where the recipe is computed; null where that is not known.
   */
  async machine({ path }: ModelFacts, recipe: Recipe, choice: DeviceChoice | null): Promise<Machine> {
    const { device, backend } = choice ?? recipe;
    const run = this.runs.runs.find(
      (each) =>
        each.manifest?.model.path === path &&
        (each.device === device || device === "auto") &&
        (backend === "auto" || (each.manifest.backend?.name ?? "onnx") === backend) &&
        each.state === "finished",
    );
    return {
      cores: availableParallelism(),
      tokensPerSecond: run ? await measuredSpeed(run.folder.fsPath) : {},
      memoryBytes: (await availableMemory()).bytes,
      choice,
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
    if (model === null) return null;
    const known = this.knownPlace(recipe, root, recipeWork(recipe, counts));
    return estimateCost(recipe, model, await this.machine(model, recipe, known), counts);
  }

  dispose(): void {
    this.store.dispose();
  }
}

/** What an answer about a place is of. */
function placeKey(
  { model, backend, device, torch, threads, stages }: Recipe,
  root: string,
  work: Work | null,
): string {
  const trained = stages.map(({ train }) => (train.method === "lora" ? train.rank : null));
  return JSON.stringify([root, model.base, backend, device, torch, threads, trained, work]);
}
