import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { runCommand, setting } from "../contributions.ts";
import type { PromptLibrary } from "../prompts/library.ts";

/** Key of the extension's state on this machine that says that the walkthrough was opened. */
const introducedKey = "discern.introduced";

/** Whether the walkthrough was opened on this machine, by itself or by a person. */
function isIntroduced(context: Pick<vscode.ExtensionContext, "globalState">): boolean {
  return context.globalState.get(introducedKey, false);
}

/** Remembers on this machine that the walkthrough was opened. */
export async function setIntroduced(context: Pick<vscode.ExtensionContext, "globalState">): Promise<void> {
  await context.globalState.update(introducedKey, true);
}

/**
 * Opens the walkthrough once per machine, in the first folder with prompt files or a recipe. It is left closed where the
 * setting says so: that of the editor for walkthroughs of new extensions is one of the machine, which a remote window does not have.
 */
export async function introduce(context: vscode.ExtensionContext, prompts: PromptLibrary): Promise<void> {
  if (isIntroduced(context) || !setting("discern.walkthrough.opens") || !(await hasMaterial(prompts))) return;
  await runCommand("discern.walkthrough.open");
}

async function hasMaterial(prompts: PromptLibrary): Promise<boolean> {
  if (vscode.workspace.workspaceFolders === undefined) return false;
  const recipes = await vscode.workspace.findFiles(`**/*${recipeSuffix}`, "**/node_modules/**", 1);
  if (recipes.length > 0) return true;
  const files = await prompts.discovered();
  return files.some(({ state }) => state !== "unclear" && state !== "failed");
}
