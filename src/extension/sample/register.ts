/*
 * First steps: the sample workspace, which is written out of the starter set, and the walkthrough.
 */

import * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import { writeSample } from "./files.ts";

/** The commands with which a newcomer begins: the sample workspace and the walkthrough. */
export function registerSample(context: vscode.ExtensionContext): vscode.Disposable {
  return vscode.Disposable.from(
    registerCommand("discern.sample.open", async () => {
      const [parent] =
        (await vscode.window.showOpenDialog({
          canSelectFiles: false,
          canSelectFolders: true,
          canSelectMany: false,
          openLabel: "Create Sample Workspace Here",
          title: "Folder in which to create discern-sample",
        })) ?? [];
      if (parent === undefined) return;
      const folder = vscode.Uri.joinPath(parent, "discern-sample");
      await writeSample(folder.fsPath, context.extensionPath);
      await vscode.commands.executeCommand("vscode.openFolder", folder, { forceNewWindow: false });
    }),
    registerCommand("discern.walkthrough.open", () =>
      vscode.commands.executeCommand(
        "workbench.action.openWalkthrough",
        `${context.extension.id}#start`,
        false,
      ),
    ),
  );
}
