import * as vscode from "vscode";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Engine } from "../engine/engine.ts";
import type { RecipeFacts } from "../recipe/facts.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { passesPlanned, savedText } from "./checked.ts";
import {
  comparisonOf,
  comparisonPath,
  comparisonText,
  placeFor,
  seedChoices,
  seedsIn,
  withComparison,
} from "./comparisonFile.ts";
import { launch } from "./start.ts";

/** Where earlier versions kept the comparisons that a window carried out. */
const queueKey = "discern.comparisons";

/**
 * Writes the comparison of a recipe's methods beside it, where its runs can be carried out, and starts it. A process of its own runs it: windows only read its
 * folder.
 *
 * @throws as `Engine.call`; the file system's own error.
 */
export async function compareMethods(
  { engine, library, facts }: { engine: Engine; library: RunLibrary; facts: RecipeFacts },
  uri: vscode.Uri,
  recipe: Recipe,
): Promise<void> {
  if (new Set(recipe.stages.map(({ type }) => type)).size < 2) {
    throw new Error(
      `There is nothing to compare: ${vscode.workspace.asRelativePath(uri)} needs a contrastive stage, which STL alone leaves out, and a supervised one.`,
    );
  }
  const path = comparisonPath(uri.fsPath);
  const seeds = await askSeeds(path, recipe);
  if (seeds === undefined) return;
  const comparison = comparisonOf(uri.fsPath, recipe, seeds);
  const place = await placeFor(path, comparison);
  const replace = place === "other" ? await askToReplace(path) : false;
  if (replace === undefined) return;
  const file = vscode.Uri.file(path);
  if (place !== "free" && !replace) {
    const checked = await passesPlanned(facts, file);
    if (checked !== undefined)
      await startComparison(engine, library, { file, text: checked }, comparison.name);
    return;
  }
  // What cannot be run leaves no file behind, and replaces none.
  const text = comparisonText(comparison);
  if ((await passesPlanned(facts, file, { text, recipe: uri })) === undefined) return;
  await withComparison({ path, text, replace }, () =>
    launch(engine, library, comparison.name, { kind: "start", file: path, text, stlAlone: false }),
  );
}

/**
 * Starts the comparison that a file describes.
 *
 * @param described the file, with its text as it was checked
 * @param name of its folder; the engine says what is wrong with the file.
 * @throws as `launch`.
 */
export async function startComparison(
  engine: Engine,
  library: RunLibrary,
  { file, text }: { readonly file: vscode.Uri; readonly text: string },
  name: string,
): Promise<void> {
  await launch(engine, library, name, { kind: "start", file: file.fsPath, text, stlAlone: false });
}

/**
 * Adds to an experiment what its file has more by now: runs, suites and judges.
 *
 * @throws as `launch`.
 */
export async function addToExperiment(
  engine: Engine,
  library: RunLibrary,
  file: vscode.Uri,
  run: Run,
): Promise<void> {
  const from = { file: file.fsPath, text: await savedText(file) };
  await launch(engine, library, run.label, { kind: "resume", folder: run.folder.fsPath, from });
}

/** Asks for the seeds of a comparison: one seed decides little, and each more takes as long again. */
async function askSeeds(path: string, recipe: Recipe): Promise<readonly number[] | undefined> {
  const chosen = await vscode.window.showQuickPick(seedChoices(recipe, await seedsIn(path)), {
    title: "Compare Methods",
    placeHolder: "Seeds: every method is trained once with each",
  });
  return chosen?.seeds;
}

/** @returns undefined where the comparison is not to be started. */
async function askToReplace(path: string): Promise<boolean | undefined> {
  const run = "Run It as It Is";
  const replace = "Replace It";
  const chosen = await vscode.window.showWarningMessage(
    `${vscode.workspace.asRelativePath(path)} exists and describes a different comparison from the one that the recipe gives now.`,
    { modal: true },
    run,
    replace,
  );
  return chosen === undefined ? undefined : chosen === replace;
}

/** Comparisons that an earlier version had queued in this window: nobody carries them out any more, which is reported once. */
export function dropQueue(memory: vscode.Memento): void {
  const queued = memory.get<readonly unknown[]>(queueKey, []);
  if (queued.length === 0) return;
  void memory.update(queueKey, undefined);
  void vscode.window.showInformationMessage(
    "A comparison that an earlier version queued in this window was dropped: comparisons are now files, run by a process of their own. Runs that have started are in the Runs view; use Compare Methods to start the comparison again.",
  );
}
