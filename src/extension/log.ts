import * as vscode from "vscode";

/** The log of the extension and its engine, in the Output view under "Discern". Prompts never go into it. */
export const log: vscode.LogOutputChannel = vscode.window.createOutputChannel("Discern", { log: true });
