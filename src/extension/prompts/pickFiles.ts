import * as vscode from "vscode";
import type { PromptLibrary } from "./library.ts";
import type { PromptFile } from "./promptFile.ts";

/** The part of the starter set that no preset trains on, as recipes name it. */
export const starterTest = { file: "starter:pairs.csv", split: "test" } as const;

/** Prompt files that a person chose: those of the workspace, and whether the starter set is one of them. */
export interface PickedFiles {
  readonly files: readonly PromptFile[];
  readonly starter: boolean;
}

/**
 * Asks for prompt files; undefined where the person left, or chose none.
 *
 * @param starterPart what of the starter set is meant.
 */
export async function pickPromptFiles(
  prompts: PromptLibrary,
  {
    title,
    placeHolder,
    starterPart = "its test split",
  }: { readonly title: string; readonly placeHolder: string; readonly starterPart?: string },
): Promise<PickedFiles | undefined> {
  await prompts.discovered();
  const usable = prompts.files.filter(({ state }) => state !== "unclear" && state !== "failed");
  const starter: vscode.QuickPickItem = { label: "Starter set", description: starterPart };
  const items = [
    ...usable.map((file) => ({ label: file.path, file })),
    ...(usable.length > 0 ? [{ label: "", kind: vscode.QuickPickItemKind.Separator }] : []),
    starter,
  ];
  const chosen: readonly (vscode.QuickPickItem & { readonly file?: PromptFile })[] | undefined =
    await vscode.window.showQuickPick(items, { title, placeHolder, canPickMany: true });
  if (chosen === undefined || chosen.length === 0) return undefined;
  return { files: chosen.flatMap(({ file }) => file ?? []), starter: chosen.includes(starter) };
}
