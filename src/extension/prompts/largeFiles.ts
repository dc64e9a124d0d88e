import * as vscode from "vscode";
import { byteSize } from "../../wording/numbers.ts";
import { runCommand } from "../contributions.ts";
import type { PromptLibrary } from "./library.ts";

const KEY = "discern.prompts.largeFilesTold";

/** Says once of each large file that it is there and is not read unasked. */
export function tellLargeFiles(context: vscode.ExtensionContext, library: PromptLibrary): vscode.Disposable {
  return library.onDidFindLarge(async ({ file, bytes }) => {
    const told = context.workspaceState.get<string[]>(KEY, []);
    if (told.includes(file.path)) return;
    await context.workspaceState.update(KEY, [...told, file.path]);
    const read = "Read It";
    const message = `${file.path} is ${byteSize(bytes)} large. Discern reads a file of this size only on request.`;
    if ((await vscode.window.showWarningMessage(message, read)) === read) {
      await runCommand("discern.prompts.readLargeFile", file.uri);
    }
  });
}
