/*
 * First steps: the sample workspace, which is written out of the starter set, and the walkthrough.
 */

import * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import { logError } from "../log.ts";
import { writeSample } from "./files.ts";
import { introduce, setIntroduced } from "./introduce.ts";
import { FirstSteps, type StepParts } from "./steps.ts";

/** The commands with which a newcomer begins: the sample workspace and the walkthrough, which opens by itself once per machine. */
export function registerSample(context: vscode.ExtensionContext, parts: StepParts): vscode.Disposable {
  const steps = new FirstSteps(parts);
  const commands = vscode.Disposable.from(
    steps,
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
    registerCommand("discern.walkthrough.open", async () => {
      await setIntroduced(context);
      await vscode.commands.executeCommand(
        "workbench.action.openWalkthrough",
        { category: `${context.extension.id}#start`, step: await steps.next() },
        false,
      );
      steps.tellAll();
    }),
  );
  void introduce(context, parts.prompts).catch(logError);
  return commands;
}
