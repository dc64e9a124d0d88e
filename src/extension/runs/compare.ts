import { dirname, join, resolve } from "node:path";
import * as vscode from "vscode";
import { writeAtomic } from "../../storage/atomic.ts";
import { setting } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { duringCall } from "../engine/progress.ts";
import { comparisonName, makeFreeFolder } from "./freeName.ts";
import type { Run } from "./library.ts";
import { openReportFile } from "./openReport.ts";

/**
 * Compares the reports of runs: writes one report over all of them into a new folder beside the runs, and opens it.
 *
 * @throws as `Engine.call`; the file system's own error where the folder cannot be written.
 */
export async function compareRuns(engine: Engine, runs: readonly Run[]): Promise<void> {
  const paths = runs.map(({ folder }) => folder.fsPath);
  const report = await duringCall(`Comparing ${runs.length} runs`, (options) =>
    engine.call("compare", { runs: paths }, options),
  );
  const [first] = runs;
  const workspace = vscode.workspace.getWorkspaceFolder(first!.folder)?.uri;
  const parent = workspace
    ? resolve(workspace.fsPath, setting("discern.runs.folder", workspace))
    : dirname(paths[0]!);
  const folder = await makeFreeFolder(parent, comparisonName(runs.map(({ label }) => label)));
  const file = join(folder, "report.json");
  await writeAtomic(file, `${JSON.stringify(report)}\n`);
  await openReportFile(vscode.Uri.file(file));
}
