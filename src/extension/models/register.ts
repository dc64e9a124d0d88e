/*
 * The Models view lists the models found on this machine by place. Finding one reads names of files only; the engine looks into a model
 * when its row is opened or hovered, and its answer is kept until the model's files change.
 */

import * as vscode from "vscode";
import { availableMemory } from "../../recipe/availableMemory.ts";
import { registerCommand, runCommand } from "../contributions.ts";
import type { Measured } from "../device/measured.ts";
import type { Engine } from "../engine/engine.ts";
import type { RunLibrary } from "../runs/library.ts";
import { requireTrust } from "../trust.ts";
import { registerModelCompletion } from "./complete.ts";
import type { Model } from "./find.ts";
import type { ModelLibrary } from "./library.ts";
import { memoryPlanText } from "./memory.ts";
import { asked, pickModel } from "./pick.ts";
import { PlanDocuments } from "./planDocuments.ts";
import { pullModel } from "./pull.ts";
import { ModelTree } from "./tree.ts";

/** Registers the Models view with its commands. */
export function registerModels(
  library: ModelLibrary,
  engine: Engine,
  runs: RunLibrary,
  measured: Measured,
): vscode.Disposable {
  const onModel = (work: (model: Model) => unknown) => async (given?: Model) => {
    const model = given ?? (await pickModel(library));
    if (model) await work(model);
  };
  const plans = new PlanDocuments();
  return vscode.Disposable.from(
    plans,
    registerModelCompletion(library),
    new ModelTree(library, runs, measured),
    registerCommand("discern.models.refresh", () => library.refresh()),
    registerCommand("discern.models.pull", async (given?: Model) => {
      requireTrust();
      if (await pullModel(engine, given?.name)) library.refresh();
    }),
    registerCommand(
      "discern.models.newRecipe",
      onModel(async (model) => runCommand("discern.recipe.new", { model: await asked(library, model) })),
    ),
    registerCommand(
      "discern.models.memoryPlan",
      onModel(async (model) => {
        requireTrust();
        const inspected = await library.inspect(model);
        const text =
          "problem" in inspected
            ? `${model.name} cannot be used: ${inspected.problem}\n`
            : memoryPlanText(inspected.facts, model.name, (await availableMemory()).bytes);
        await plans.show(model.name, text);
      }),
    ),
    registerCommand(
      "discern.models.openPage",
      onModel(({ hub }) => {
        const endpoint = (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
        return hub && vscode.env.openExternal(vscode.Uri.parse(`${endpoint}/${hub.id}`));
      }),
    ),
    registerCommand(
      "discern.models.reveal",
      onModel(({ path }) => vscode.commands.executeCommand("revealFileInOS", vscode.Uri.file(path))),
    ),
    registerCommand(
      "discern.models.copyPath",
      onModel(({ path }) => vscode.env.clipboard.writeText(path)),
    ),
  );
}
