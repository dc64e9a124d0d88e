import * as vscode from "vscode";
import type { PromptLibrary } from "../prompts/library.ts";
import { revealPrompt } from "../prompts/reveal.ts";

/**
 * Opens the workspace's file that holds a prompt, at its line. Files that were not read yet are read one after another
 * until one holds it.
 */
export async function revealPromptOf(prompts: PromptLibrary, id: string): Promise<void> {
  const files = await prompts.discovered();
  const read = files.filter(({ state }) => state === "ready");
  const unread = files.filter(({ state }) => state === "unread");
  for (const file of [...read, ...unread]) {
    const opened = file.state === "ready" ? file : await prompts.open(file.uri).catch(() => null);
    const record = opened?.find(id);
    if (record) return revealPrompt(file.uri, record);
  }
  void vscode.window.showInformationMessage("No prompt file of this workspace holds that prompt.");
}
