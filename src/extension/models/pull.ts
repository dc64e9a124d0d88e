import * as vscode from "vscode";
import { availableMemory } from "../../recipe/availableMemory.ts";
import { suggestedFits } from "../../recipe/suggestedFits.ts";
import { byteSize } from "../../wording/numbers.ts";
import { runCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";
import { type SuggestionItem, suggestionGroups, withNearest } from "./suggestions.ts";
import { isHubName } from "./usage.ts";

/**
 * Fetches a model, or what is missing of one, into the Hugging Face cache; a download that was cut off is resumed.
 *
 * @param given name of the model; asked for where left out.
 * @returns whether a model was fetched, or was here already. @throws as `Engine.call`.
 */
export async function pullModel(engine: Engine, given?: string): Promise<boolean> {
  const name = given ?? (await askName());
  if (name === undefined) return false;
  const pulled = await duringCall(`Pulling ${name}`, (options) => engine.call("pull", { name }, options));
  const recipe = "New Recipe";
  const message = pulled.from === "present" ? `${name} is already downloaded.` : `${name} is ready.`;
  const shown =
    pulled.note === undefined
      ? vscode.window.showInformationMessage(message, recipe)
      : vscode.window.showWarningMessage(`${message} ${pulled.note}`, recipe);
  void shown.then((chosen) => {
    if (chosen === recipe) void runCommand("discern.recipe.new", { model: name });
  });
  return true;
}

/** A model to choose, or a heading, which has no name. */
type Choice = vscode.QuickPickItem & Partial<SuggestionItem>;

/** The name of a known model, or one of the hub that a person typed. */
async function askName(): Promise<string | undefined> {
  const { bytes } = await availableMemory();
  const groups = suggestionGroups(suggestedFits(bytes));
  const known = (text: string) =>
    withNearest(groups, text).flatMap(({ heading, items }): Choice[] => [
      { label: heading, kind: vscode.QuickPickItemKind.Separator },
      ...items,
    ]);
  const input = vscode.window.createQuickPick<Choice>();
  input.title = `Pull a Model (${byteSize(bytes)} of memory available)`;
  input.placeholder = "Choose a model, or enter owner/name or owner/name@revision of the Hugging Face Hub";
  input.matchOnDescription = true;
  input.matchOnDetail = true;
  input.items = known("");
  return new Promise((resolve) => {
    input.onDidChangeValue((text) => {
      const name = text.trim();
      const typed = { label: name, name, detail: "From the Hugging Face Hub", alwaysShow: true };
      input.items = isHubName(name) ? [typed, ...known(name)] : known(name);
    });
    input.onDidAccept(() => {
      const [chosen] = input.selectedItems;
      if (chosen?.name === undefined) return;
      resolve(chosen.name);
      input.hide();
    });
    input.onDidHide(() => {
      resolve(undefined);
      input.dispose();
    });
    input.show();
  });
}
