import * as vscode from "vscode";
import { runCommand } from "../contributions.ts";
import { stateWord } from "../runs/describe.ts";
import type { ArmState, Comparison } from "./comparison.ts";

type StateOf = (folder: string) => ArmState;

/** An arm of a comparison in words. */
export function armName({ stlAlone }: Comparison["arms"][number]): string {
  return stlAlone ? vscode.l10n.t("STL alone") : vscode.l10n.t("DCR → STL");
}

/** What waits for its turn, a line a comparison. */
export function waitingLines(comparisons: readonly Comparison[]): string[] {
  return comparisons.flatMap(({ name, arms }) => {
    const names = arms.filter(({ folder }) => folder === null).map(armName);
    return names.length > 0 ? [vscode.l10n.t("{0}: waiting: {1}", name, names.join(", "))] : [];
  });
}

/** Shows the comparisons under way. @returns the ids of those to cancel. */
export async function pickCancelled(
  comparisons: readonly Comparison[],
  stateOf: StateOf,
): Promise<ReadonlySet<string>> {
  if (comparisons.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t("No run waits."));
    return new Set();
  }
  const items = comparisons.map(({ id, name, arms }) => ({
    label: name,
    description: arms.map((arm) => `${armName(arm)}: ${stateInWords(arm.folder, stateOf)}`).join(" · "),
    id,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: vscode.l10n.t("Comparisons under way"),
    placeHolder: vscode.l10n.t("Choose those to cancel; a run that has started goes on by itself"),
  });
  return new Set(chosen?.map(({ id }) => id));
}

function stateInWords(folder: string | null, stateOf: StateOf): string {
  const state = folder === null ? "unstarted" : stateOf(folder);
  if (state === "unstarted") return vscode.l10n.t("waiting");
  return state === "gone" ? vscode.l10n.t("deleted") : stateWord(state, vscode.l10n);
}

/** Asks what becomes of the second arm when the first did not finish. @returns undefined where it was not answered. */
export async function askAboutSecond(
  { name, arms: [first, second] }: Comparison,
  stateOf: StateOf,
): Promise<"start" | "resume" | "cancel" | undefined> {
  const start = vscode.l10n.t("Start {0}", armName(second));
  const resume = vscode.l10n.t("Resume {0}", armName(first));
  const cancel = vscode.l10n.t("Cancel Comparison");
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t(
      "{0} of {1} did not finish ({2}). {3} is to run next.",
      armName(first),
      name,
      stateInWords(first.folder, stateOf),
      armName(second),
    ),
    start,
    resume,
    cancel,
  );
  if (chosen === start) return "start";
  if (chosen === resume) return "resume";
  return chosen === cancel ? "cancel" : undefined;
}

/** Tells that both arms have finished, and compares them where that is wanted. */
export async function offerToCompare({ name, arms }: Comparison): Promise<void> {
  const compare = vscode.l10n.t("Compare");
  const message = vscode.l10n.t("Both arms of {0} have finished.", name);
  if ((await vscode.window.showInformationMessage(message, compare)) !== compare) return;
  const folders = arms.flatMap(({ folder }) => (folder === null ? [] : vscode.Uri.file(folder)));
  await runCommand("discern.runs.compare", folders[0], folders);
}
