import * as vscode from "vscode";
import { runCommand } from "../contributions.ts";
import { stateWord } from "../runs/describe.ts";
import type { ArmState, Comparison } from "./comparison.ts";

type StateOf = (folder: string) => ArmState;

/** An arm of a comparison in words. */
export function armName({ stlAlone }: Comparison["arms"][number]): string {
  return stlAlone ? "STL alone" : "DCR → STL";
}

/** What waits for its turn, a line a comparison. */
export function waitingLines(comparisons: readonly Comparison[]): string[] {
  return comparisons.flatMap(({ name, arms }) => {
    const names = arms.filter(({ folder }) => folder === null).map(armName);
    return names.length > 0 ? [`${name}: waiting: ${names.join(", ")}`] : [];
  });
}

/** Shows the comparisons under way. @returns the ids of those to cancel. */
export async function pickCancelled(
  comparisons: readonly Comparison[],
  stateOf: StateOf,
): Promise<ReadonlySet<string>> {
  if (comparisons.length === 0) {
    void vscode.window.showInformationMessage("No run waits.");
    return new Set();
  }
  const items = comparisons.map(({ id, name, arms }) => ({
    label: name,
    description: arms.map((arm) => `${armName(arm)}: ${stateInWords(arm.folder, stateOf)}`).join(" · "),
    id,
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    canPickMany: true,
    title: "Comparisons under way",
    placeHolder: "Choose those to cancel; a run that has started goes on by itself",
  });
  return new Set(chosen?.map(({ id }) => id));
}

function stateInWords(folder: string | null, stateOf: StateOf): string {
  const state = folder === null ? "unstarted" : stateOf(folder);
  if (state === "unstarted") return "waiting";
  return state === "gone" ? "deleted" : stateWord(state);
}

/** Asks what becomes of the second arm when the first did not finish. @returns undefined where it was not answered. */
export async function askAboutSecond(
  { name, arms: [first, second] }: Comparison,
  stateOf: StateOf,
): Promise<"start" | "resume" | "cancel" | undefined> {
  const start = `Start ${armName(second)}`;
  const resume = `Resume ${armName(first)}`;
  const cancel = "Cancel Comparison";
  const chosen = await vscode.window.showWarningMessage(
    `${armName(first)} of ${name} did not finish (${stateInWords(first.folder, stateOf)}). ${armName(second)} is to run next.`,
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
  const compare = "Compare";
  const message = `Both arms of ${name} have finished.`;
  if ((await vscode.window.showInformationMessage(message, compare)) !== compare) return;
  const folders = arms.flatMap(({ folder }) => (folder === null ? [] : vscode.Uri.file(folder)));
  await runCommand("discern.runs.compare", folders[0], folders);
}
