import { join } from "node:path";
import * as vscode from "vscode";
import { runPaths } from "../../runFolder/folder.ts";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";
import { freePath } from "./freeName.ts";
import type { Run } from "./library.ts";

/**
 * Copies what a run learned into a new folder: asks in which form and where, and never overwrites.
 *
 * @throws as `Engine.call`.
 */
export async function exportRun(engine: Engine, run: Run): Promise<void> {
  const merged = await askForm(run);
  if (merged === undefined) return;
  const [parent] =
    (await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      title: vscode.l10n.t("Folder in which the exported model is put"),
      openLabel: vscode.l10n.t("Export Here"),
    })) ?? [];
  if (parent === undefined) return;
  const into = await freePath(join(parent.fsPath, `${run.label}-${merged ? "merged" : "adapter"}`));
  await duringCall(vscode.l10n.t("Exporting {0}", run.label), (options) =>
    engine.call("export", { run: run.folder.fsPath, into, merged }, options),
  );
  const reveal = vscode.l10n.t("Reveal");
  void vscode.window
    .showInformationMessage(vscode.l10n.t("{0} is exported to {1}.", run.label, into), reveal)
    .then((chosen) => {
      if (chosen === reveal) void vscode.commands.executeCommand("revealFileInOS", vscode.Uri.file(into));
    });
}

/** Whether the whole model is wanted; undefined when nothing was chosen. Without an adapter there is only that. */
async function askForm(run: Run): Promise<boolean | undefined> {
  const adapter = vscode.Uri.file(join(runPaths(run.folder.fsPath).model, "adapter_config.json"));
  const has = await vscode.workspace.fs.stat(adapter).then(
    () => true,
    () => false,
  );
  if (!has) return true;
  const chosen = await vscode.window.showQuickPick(
    [
      {
        label: vscode.l10n.t("PEFT adapter"),
        detail: vscode.l10n.t("What was learned, to be loaded on top of the model it was trained on; small."),
        merged: false,
      },
      {
        label: vscode.l10n.t("Merged model"),
        detail: vscode.l10n.t("The whole model in float32, which loads by itself; 4 bytes a parameter."),
        merged: true,
      },
    ],
    { placeHolder: vscode.l10n.t("Form in which {0} is exported", run.label) },
  );
  return chosen?.merged;
}
