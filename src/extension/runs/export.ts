import { basename, join } from "node:path";
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
      title: "Folder for the exported model",
      openLabel: "Export Here",
    })) ?? [];
  if (parent === undefined) return;
  const into = await freePath(
    join(parent.fsPath, `${basename(run.folder.fsPath)}-${merged ? "merged" : "adapter"}`),
  );
  await duringCall(`Exporting ${run.label}`, (options) =>
    engine.call("export", { run: run.folder.fsPath, into, merged }, options),
  );
  const reveal = "Reveal";
  void vscode.window
    .showInformationMessage(`${run.label} was exported to ${into}.`, reveal)
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
        label: "PEFT adapter",
        detail: "The trained LoRA weights, loaded on top of the base model; small.",
        merged: false,
      },
      {
        label: "Merged model",
        detail: "The whole model in float32, self-contained; 4 bytes per parameter.",
        merged: true,
      },
    ],
    { placeHolder: `Export format for ${run.label}` },
  );
  return chosen?.merged;
}
