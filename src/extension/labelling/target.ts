import type * as vscode from "vscode";

/** What a command about a prompt file can be called with: the file, or a node of the Prompts view. */
export type Target = vscode.Uri | { file: { uri: vscode.Uri }; record?: { id: string } };

/** The prompt file that a command is about. */
export function uriOf(target: Target): vscode.Uri {
  return "file" in target ? target.file.uri : target;
}
