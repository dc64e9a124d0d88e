import { rm, rmdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { isComparison, readPlan } from "../../runFolder/comparison.ts";
import { isRun, openRun, runPaths } from "../../runFolder/folder.ts";
import { lockHolder } from "../../runFolder/lock.ts";
import { runCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { unasked } from "../page/unasked.ts";
import { runsFolder } from "../runs/folders.ts";
import { makeFreeFolder } from "../runs/freeName.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import type { QueuedRun, QueuedWork } from "../runs/queue.ts";
import { isActive } from "../runs/summary.ts";
import { withText } from "./withText.ts";

/** A run or comparison that is to be started in a folder that was made for it. */
interface Job {
  /** Path of the recipe file or of the comparison file. */
  readonly recipe: string;
  readonly stlAlone: boolean;
  readonly folder: string;
}

/**
 * The one way in which runs are started and resumed. While another is active it asks whether this one is to wait or to run beside it. A run outlives
 * this window; one that waits is started by this window, or by the next one of the same workspace.
 *
 * @param name of the folder that a new run is given.
 * @returns the run's folder; undefined where it waits.
 * @throws as `Engine.call`; vscode.CancellationError where the person ended it.
 */
export async function launch(
  engine: Engine,
  library: RunLibrary,
  name: string,
  work: QueuedWork,
): Promise<vscode.Uri | undefined> {
  const active = library.runs.filter((run) => isActive(run) && library.comparisonOf(run) === undefined);
  const how = active.length === 0 ? "now" : await askWhenBusy(name, active);
  if (how === "now") return carryOut(engine, library, { name, work });
  tellQueued(library, library.queue.add(name, work), active);
  return undefined;
}

/** Starts or resumes a run at once. @returns its folder. @throws as `Engine.call`, and the file system's own errors. */
export async function carryOut(
  engine: Engine,
  library: RunLibrary,
  { name, work }: Pick<QueuedRun, "name" | "work">,
): Promise<vscode.Uri> {
  if (work.kind === "resume") {
    const folder = vscode.Uri.file(work.folder);
    const resume = async (recipe?: string): Promise<void> => {
      await engine.call("start", {
        folder: work.folder,
        resume: true,
        ...(recipe !== undefined && { recipe }),
      });
    };
    await (work.from ? withText(work.from.file, work.from.text, resume) : resume());
    show(library, folder, "continues");
    return folder;
  }
  const folder = await makeFreeFolder(runsFolder(vscode.Uri.file(work.file)), name);
  await withText(work.file, work.text, (recipe) =>
    startRun(engine, library, { recipe, stlAlone: work.stlAlone, folder }),
  );
  const uri = vscode.Uri.file(folder);
  library.begun({ folder: uri, askedIn: work.askedIn ?? [] });
  return uri;
}

/** Starts a run in a folder that was made for it. @throws as `Engine.call`; the folder is then taken away unless a run was made in it. */
async function startRun(engine: Engine, library: RunLibrary, job: Job): Promise<void> {
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

/** Resumes a run that was stopped, failed or was interrupted. @throws as {@link launch}. */
export async function resumeRun(engine: Engine, library: RunLibrary, run: Run): Promise<void> {
  await launch(engine, library, run.label, { kind: "resume", folder: run.folder.fsPath });
}

/** Has a person choose whether a run waits. @throws vscode.CancellationError where they chose neither. */
async function askWhenBusy(name: string, active: readonly Run[]): Promise<"now" | "queued"> {
  const queue = "Queue";
  const beside = "Run Beside";
  const labels = new Intl.ListFormat("en").format(active.map(({ label }) => label));
  const chosen = await vscode.window.showInformationMessage(
    `${labels} ${active.length === 1 ? "is" : "are"} active. Queue ${name}, or run it beside?`,
    {
      modal: true,
      detail:
        "Queued, it starts when no run is active any more, also after one that failed or was stopped, with its file as it is now. " +
        "Beside another, both share the processor and the memory of this machine and take longer.",
    },
    queue,
    beside,
  );
  if (chosen === undefined) throw new vscode.CancellationError();
  return chosen === beside ? "now" : "queued";
}

function tellQueued(library: RunLibrary, run: QueuedRun, active: readonly Run[]): void {
  const remove = "Remove from Queue";
  const what = active.length === 1 ? active[0]!.label : `${active.length} runs`;
  void vscode.window
    .showInformationMessage(
      `${run.name} starts when ${what} ${active.length === 1 ? "has" : "have"} ended.`,
      remove,
    )
    .then((chosen) => chosen === remove && library.queue.remove(run));
}

/** Milliseconds for which a notification says that a run has started: it is not to lie over what a person works at. */
const toldMs = 5000;

/** A run that has started is not called off because it cannot be shown: nothing here is waited for. */
function show(library: RunLibrary, folder: vscode.Uri, what: string): void {
  library.started.add(folder.fsPath);
  library.follow(folder);
  void vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `${library.nameOf(folder)} ${what}` },
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
  // What only scores or evaluates has no course to look at.
  const begun = await openRun(folder.fsPath).catch(() => null);
  if (begun?.recipe.stages.length === 0) return;
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
