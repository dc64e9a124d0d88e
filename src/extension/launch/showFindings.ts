import * as vscode from "vscode";
import { byteSize, duration } from "../../wording/numbers.ts";
import { runCommand } from "../contributions.ts";
import type { Finding, Remedy } from "./finding.ts";
import { offers, passedButtons, type StartedFile } from "./offers.ts";
import type { PlannedCost } from "./plannedPreflight.ts";

/**
 * Shows all that preflight found in one dialogue, with what can be done about it.
 *
 * @param recipe the file that is started, which "Open …" shows
 * @returns whether the run is to be started: nothing was found, or nothing but warnings that were ignored.
 */
export async function passesFindings(
  recipe: vscode.Uri,
  findings: readonly Finding[],
  cost: PlannedCost | null,
  plan: readonly string[] = [],
  noun: StartedFile = "recipe",
): Promise<boolean> {
  if (findings.length === 0) return true;
  const faults = findings.filter(({ severity }) => severity === "fault");
  const remedies = offers(findings, noun);
  const anyway: vscode.MessageItem = { title: "Run Anyway" };
  const detail = [
    ...findings.map(({ message }) => `• ${message}`),
    ...(cost && faults.length === 0 ? ["", estimate(cost), ...plan] : []),
  ].join("\n");
  const options = { modal: true, detail };
  const chosen =
    faults.length > 0
      ? await vscode.window.showErrorMessage(`The ${noun} cannot be run yet.`, options, ...remedies)
      : await vscode.window.showWarningMessage(
          noun === "recipe" || noun === "run" ? "Before the run starts" : "Before the runs start",
          options,
          ...passedButtons<vscode.MessageItem>(findings, anyway, remedies),
        );
  if (chosen === anyway) return true;
  const offer = remedies.find((each) => each === chosen);
  if (offer) await fix(offer.remedy, recipe);
  return false;
}

/** What a run costs, in a line. */
function estimate({ seconds, memoryBytes, memoryOf, diskBytes }: PlannedCost): string {
  return `Estimated: ${duration(seconds)}, ${byteSize(memoryBytes)} of ${memoryOf}, ${byteSize(diskBytes)} on disk.`;
}

async function fix(remedy: Remedy, recipe: vscode.Uri): Promise<void> {
  if (remedy.kind === "pull") await runCommand("discern.models.pull");
  else if (remedy.kind === "python") await runCommand("discern.torch.install");
  else if (remedy.kind === "label") await runCommand("discern.labelling.open", vscode.Uri.file(remedy.file));
  else {
    const document = await vscode.workspace.openTextDocument(recipe);
    const at = document.positionAt(remedy.offset ?? 0);
    await vscode.window.showTextDocument(document, { selection: new vscode.Range(at, at) });
  }
}
