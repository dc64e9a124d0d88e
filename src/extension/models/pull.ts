import * as vscode from "vscode";
import { runCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";
import { isHubName } from "./usage.ts";

/**
 * Asks which model is wanted and fetches it into the models home; a download that was cut off goes on where it was.
 *
 * @returns whether a model was fetched, or was here already. @throws as `Engine.call`.
 */
export async function pullModel(engine: Engine): Promise<boolean> {
  const name = await askName();
  if (name === undefined) return false;
  const pulled = await duringCall(`Pulling ${name}`, (options) => engine.call("pull", { name }, options));
  const recipe = "New Recipe";
  const message = pulled.from === "present" ? `${name} is already downloaded.` : `${name} is ready.`;
  void vscode.window.showInformationMessage(message, recipe).then((chosen) => {
    if (chosen === recipe) void runCommand("discern.recipe.new", { model: pulled.path });
  });
  return true;
}

/** The name of a known model, or one of the hub that a person typed. */
function askName(): Promise<string | undefined> {
  const known = {
    label: "smollm2-135m",
    description: "94 MB",
    detail: "SmolLM2-135M-Instruct: trains in minutes on two cores.",
  };
  const input = vscode.window.createQuickPick();
  input.title = "Pull a Model";
  input.placeholder = "Choose a model, or enter owner/name on the Hugging Face Hub";
  input.items = [known];
  return new Promise((resolve) => {
    input.onDidChangeValue((text) => {
      const name = text.trim();
      const typed = { label: name, detail: "From the Hugging Face Hub", alwaysShow: true };
      input.items = isHubName(name) ? [typed, known] : [known];
    });
    input.onDidAccept(() => {
      const [chosen] = input.selectedItems;
      if (!chosen) return;
      resolve(chosen.label);
      input.hide();
    });
    input.onDidHide(() => {
      resolve(undefined);
      input.dispose();
    });
    input.show();
  });
}
