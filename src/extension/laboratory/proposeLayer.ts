import { dirname } from "node:path";
import * as vscode from "vscode";
import { type SeparabilityFigures, separabilityContract } from "../../protocol/probe/separability.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { readProbeResult } from "../../runFolder/probeFile.ts";
import { registerCommand } from "../contributions.ts";
import type { CommandId } from "../contributionTypes.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Engine } from "../engine/engine.ts";
import type { CheckedFiles } from "../recipe/checkedFiles.ts";
import type { RunLibrary } from "../runs/library.ts";
import { requireTrust } from "../trust.ts";
import {
  type LayerItem,
  type LayerPath,
  layerItems,
  layerPlaces,
  movedLayer,
  withLayer,
} from "./layerKey.ts";
import { measureAfterPlan, openResult, type ProbeAsk } from "./measure.ts";
import { transferPrompts } from "./transferPrompts.ts";

/** What proposing a layer needs of the workbench. */
interface ProposeParts {
  readonly engine: Engine;
  readonly library: RunLibrary;
  readonly files: CheckedFiles;
}

/** The lens at the layer of each contrast of a recipe, and the command that measures and proposes one. */
export function registerProposeLayer(parts: ProposeParts): vscode.Disposable {
  const store = new DisposableStore();
  const selector: vscode.DocumentSelector = { scheme: "file", pattern: `**/*${recipeSuffix}` };
  store.add(vscode.languages.registerCodeLensProvider(selector, { provideCodeLenses: lenses }));
  store.add(
    registerCommand("discern.recipe.proposeLayer", async (uri?: vscode.Uri, path?: LayerPath) => {
      requireTrust();
      const asked = uri ?? vscode.window.activeTextEditor?.document.uri;
      if (asked) await proposeLayer(parts, asked, path);
    }),
  );
  return store;
}

function lenses(document: vscode.TextDocument): vscode.CodeLens[] {
  if (!vscode.workspace.isTrusted) return [];
  return layerPlaces(document.getText()).map(({ path, offset }) => {
    const at = document.positionAt(offset);
    return new vscode.CodeLens(new vscode.Range(at, at), {
      title: "$(telescope) Propose a layer…",
      tooltip:
        "Measures how far each layer of the recipe's model holds its toxic and seemingly toxic prompts apart, as `discern layers` does",
      command: "discern.recipe.proposeLayer" satisfies CommandId,
      arguments: [document.uri, path],
    });
  });
}

/**
 * Measures how far each layer of a recipe's model holds the prompts of its contrast apart, shows the layers with what was measured, and
 * writes the one that a person picks into the recipe, unsaved.
 *
 * @param given the contrast; the first one where left out
 * @throws as `Engine.call`; vscode.CancellationError where it was cancelled.
 */
async function proposeLayer(
  { engine, library, files }: ProposeParts,
  uri: vscode.Uri,
  given: LayerPath | undefined,
): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  const before = document.getText();
  const path = given ?? layerPlaces(before)[0]?.path;
  const { recipe } = await files.check(document);
  if (recipe === null || path === undefined) {
    void vscode.window.showWarningMessage(
      recipe === null
        ? "The recipe has faults. Fix them first; they are marked in its text."
        : "The recipe has no contrast, so it has no layer to choose.",
    );
    return;
  }
  const stage = recipe.stages[path[1]];
  const contrast =
    stage?.type === "contrastive" ? stage : stage && "contrast" in stage ? stage.contrast : undefined;
  if (contrast === undefined) return;
  const file = await measureAfterPlan(
    engine,
    `Layers for ${recipe.name}`,
    askOf(recipe, contrast.pooling, uri),
  );
  if (file === undefined) return;
  void library.refresh();
  const { figures } = await readProbeResult(file.fsPath);
  const layer = await pickLayer(separabilityContract.figures.parse(figures), contrast.layer, file);
  if (layer === undefined) return;
  // Measuring takes minutes, in which people edit, close and open the recipe.
  const now = await vscode.workspace.openTextDocument(uri);
  const text = now.getText();
  const place = movedLayer(before, path, text);
  if (place === null) {
    void vscode.window.showWarningMessage(
      `Layer ${layer} was not written: the contrasts of ${vscode.workspace.asRelativePath(uri)} have changed since. Write it at the contrast that it was measured for, or propose a layer again.`,
    );
    return;
  }
  const edit = new vscode.WorkspaceEdit();
  const whole = new vscode.Range(now.positionAt(0), now.positionAt(text.length));
  edit.replace(uri, whole, withLayer(text, place, layer));
  await vscode.workspace.applyEdit(edit);
}

/** The model as the recipe begins with it, where the recipe computes it, on the prompts of its contrast, with its monitored ones as transfer. */
function askOf(recipe: Recipe, pooling: "last" | "mean", uri: vscode.Uri): ProbeAsk {
  const { model, backend, device, memory, torch, template, chat, threads, seed, data } = recipe;
  const transfer = transferPrompts(data);
  return {
    probe: separabilityContract.id,
    options: { pooling, transfer: [...new Set(transfer.map(({ file }) => file))] },
    seed,
    root: dirname(uri.fsPath),
    subject: {
      kind: "model",
      model: { base: model.base, adapters: [...model.adapters] },
      ...{ backend, device, memory, torch, template, chat },
      ...(threads !== undefined && { threads }),
    },
    prompts: [...data.contrast, ...transfer],
  };
}

/** @param result file of the result, which a button opens. */
async function pickLayer(
  figures: SeparabilityFigures,
  now: number | "auto",
  result: vscode.Uri,
): Promise<number | "auto" | undefined> {
  const store = new DisposableStore();
  const pick = store.add(vscode.window.createQuickPick<LayerItem & vscode.QuickPickItem>());
  pick.title = "Intermediate Layer ℓ of the Contrast";
  pick.placeholder =
    "Linear probes on unseen categories, at every layer; Enter writes the layer into the recipe";
  pick.buttons = [{ iconPath: new vscode.ThemeIcon("graph-line"), tooltip: "Open the Measurement" }];
  pick.ignoreFocusOut = true;
  pick.matchOnDescription = true;
  pick.items = layerItems(figures, now);
  const answered = Promise.withResolvers<number | "auto" | undefined>();
  store.add(pick.onDidAccept(() => answered.resolve(pick.activeItems[0]?.layer)));
  // The list stays: one looks at the curve, and then picks.
  store.add(pick.onDidTriggerButton(() => void openResult(result)));
  store.add(pick.onDidHide(() => answered.resolve(undefined)));
  pick.show();
  const answer = await answered.promise;
  store.dispose();
  return answer;
}
