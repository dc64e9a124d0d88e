import * as vscode from "vscode";
import type { RunLibrary } from "../runs/library.ts";
import { type RunTarget, runOf } from "../runs/pick.ts";
import { isSame, type ShownMethod } from "./answers.ts";
import type { Sheets } from "./sheets.ts";
import type { ShownRuns } from "./shownRuns.ts";

type Item = vscode.QuickPickItem & { method: ShownMethod };

/**
 * Asks which method of a report the marks of prompt files are of, and which are shown beside it.
 *
 * @param target the run whose report it is; else the one that is shown in the active editor, the pinned or the newest one.
 */
export async function chooseMethods(
  library: RunLibrary,
  shown: ShownRuns,
  sheets: Sheets,
  target: RunTarget | undefined,
): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const inEditor = editor && sheets.of(editor.document)?.shown?.run;
  const newest = library.runs.find(({ report }) => report !== null);
  const run = runOf(library, target) ?? inEditor ?? shown.pinned ?? newest;
  const answers = run && (await shown.answersOf(run));
  if (!run || !answers) {
    void vscode.window.showInformationMessage(
      "No run of this workspace has a report that can be shown. A run with an evaluation writes one at its end.",
    );
    return;
  }
  const { choices } = answers;
  const [marked, ...others] = answers.shown.toReversed();
  const placeHolder = `Method of ${run.label} whose answers are marked`;
  const items = choices.map((method): Item => {
    const isNow = marked !== undefined && isSame(method, marked);
    return { label: method.title, method, ...(isNow && { description: "marked now" }) };
  });
  const main = await vscode.window.showQuickPick(items, {
    title: "Methods in Prompt Files (1/2)",
    placeHolder,
  });
  if (main === undefined) return;
  const beside = choices
    .filter((method) => !isSame(method, main.method))
    .map((method): Item => {
      const picked = others.some((other) => isSame(other, method));
      return { label: method.title, method, picked };
    });
  const chosen =
    beside.length === 0
      ? []
      : await vscode.window.showQuickPick(beside, {
          title: "Methods in Prompt Files (2/2)",
          placeHolder: `Shown before ${main.method.title}, in figures, marks and hovers`,
          canPickMany: true,
        });
  if (chosen === undefined) return;
  const methods = [...chosen, main].map(({ method: { method, seed } }) => ({ method, seed }));
  await shown.choose(run, methods);
}
