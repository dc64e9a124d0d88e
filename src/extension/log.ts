import { inspect } from "node:util";
import * as vscode from "vscode";

/** The log of the extension and its engine, in the Output view under "Discern". Prompts never go into it. */
export const log: vscode.LogOutputChannel = vscode.window.createOutputChannel("Discern", { log: true });

/** Writes an error down with its stack and all of its causes, those in the engine too. */
export function logError(error: unknown): void {
  log.error(inspect(error));
}
