import { rm, rmdir } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { isComparison, readPlan } from "../../runFolder/comparison.ts";
import { isRun, runPaths } from "../../runFolder/folder.ts";
import { lockHolder } from "../../runFolder/lock.ts";
import { runCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { unasked } from "../page/unasked.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { isActive } from "../runs/summary.ts";

/** A run or comparison that is to be started in a folder that was made for it. */
export interface Job {
  /** Path of the recipe file or of the comparison file. */
  readonly recipe: string;
  readonly stlAlone: boolean;
  readonly folder: string;
}

/**
 * Starts a run, which outlives this window, and shows it.
 *
 * @throws as `Engine.call`; the folder is then taken away unless a run was made in it.
 */
export async function startRun(engine: Engine, library: RunLibrary, job: Job): Promise<void> {
  const { recipe, stlAlone, folder } = job;
  try {
    await engine.call("start", { recipe, stlAlone, folder, set: [] });
  } catch (error) {
    // Another window may have been faster, and work in the folder.
    const used = (await isRun(folder)) || (await isComparison(folder)) || (await lockHolder(folder)) !== null;
    if (!used) await removeUnused(folder);
    throw error;
  }
  show(library, vscode.Uri.file(folder), "has started");
}

/** Resumes a run that was stopped, failed or was interrupted. @throws as `Engine.call`. */
export async function resumeRun(engine: Engine, library: RunLibrary, run: Run): Promise<void> {
  await engine.call("start", { folder: run.folder.fsPath, resume: true });
  show(library, run.folder, "continues");
}

/** Milliseconds for which a notification says that a run has started: it is not to lie over what a person works at. */
const toldMs = 5000;

/** A run that has started is not called off because it cannot be shown: nothing here is waited for. */
function show(library: RunLibrary, folder: vscode.Uri, what: string): void {
  library.follow(folder);
  void vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `${basename(folder.fsPath)} ${what}` },
    async (bar) => {
      bar.report({ message: "The status bar shows its progress." });
      await sleep(toldMs);
    },
  );
  void showWhenThere(library, folder);
}

/** Opens the dashboard of a run, that of a comparison once its first run trains, or the page of a benchmark or sweep. */
async function showWhenThere(library: RunLibrary, folder: vscode.Uri): Promise<void> {
  if (await isComparison(folder.fsPath)) {
    const plan = await readPlan(folder.fsPath).catch(() => null);
    if (plan?.benchmark !== undefined || plan?.sweep !== undefined) {
      await runCommand("discern.benchmark.openMatrix", folder, unasked);
      return;
    }
    await firstTraining(library, folder);
  }
  await runCommand("discern.runs.openDashboard", folder, unasked);
}

/** Waits until one of the runs of a comparison trains, or the comparison has ended. */
function firstTraining(library: RunLibrary, folder: vscode.Uri): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      const comparison = library.run(folder);
      if (comparison === undefined) return;
      const trains = library.cellsOf(comparison).some(({ stages }) => stages.length > 0);
      if (!trains && isActive(comparison)) return;
      listening.dispose();
      resolve();
    };
    const listening = library.onDidChange(look);
    look();
  });
}

/** Takes away a folder in which no run came to be; whatever else is in it keeps it there. */
async function removeUnused(folder: string): Promise<void> {
  const { engineLog, checkpoints, stages } = runPaths(folder);
  await rm(engineLog, { force: true }).catch(() => undefined);
  for (const empty of [checkpoints, stages, folder]) await rmdir(empty).catch(() => undefined);
}
