import * as vscode from "vscode";
import { description, stateIcons } from "../runs/describe.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { type RunTarget, runOf } from "../runs/pick.ts";
import type { ShownRuns } from "./shownRuns.ts";

/** Shows a run in all prompt files: the given one, or the one that a person picks; "Best informed" follows the runs again. */
export async function pinRun(
  library: RunLibrary,
  shown: ShownRuns,
  target: RunTarget | undefined,
): Promise<void> {
  const given = runOf(library, target);
  if (given && given.report !== null) return shown.pin(given);
  const runs = library.runs.filter(({ report }) => report !== null);
  if (runs.length === 0) {
    void vscode.window.showInformationMessage(
      "No run of this workspace has a report yet. A run with an evaluation writes one at its end.",
    );
    return;
  }
  const file = vscode.window.activeTextEditor?.document.uri;
  const current = (file ? shown.pinnedIn(file) : shown.pinned)?.folder.toString();
  const mark = (isCurrent: boolean) => (isCurrent ? "shown now" : undefined);
  const item = (
    label: string,
    detail: string,
    run: Run | undefined,
  ): vscode.QuickPickItem & { run: Run | undefined } => {
    const now = mark(run?.folder.toString() === current);
    return { label, detail, run, ...(now && { description: now }) };
  };
  const chosen = await vscode.window.showQuickPick(
    [
      item("$(sync) Best informed", "In each file the run that evaluated most of its prompts", undefined),
      ...runs.map((run) =>
        item(`$(${stateIcons[run.state].icon}) ${run.label}`, description(run, library.headline(run)), run),
      ),
    ],
    { placeHolder: "Run whose evaluation is shown in prompt files", matchOnDetail: true },
  );
  if (chosen) await shown.pin(chosen.run);
}
