import { dirname } from "node:path";
import * as vscode from "vscode";
import { benchmarkSuffix } from "../../protocol/benchmark.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { sweepSuffix } from "../../protocol/sweep.ts";
import { readPlan } from "../../runFolder/comparison.ts";
import { openRun, runPaths } from "../../runFolder/folder.ts";
import type { RecipeFacts } from "../recipe/facts.ts";
import { runsFolder } from "../runs/folders.ts";
import type { Run } from "../runs/library.ts";
import { type PlannedCell, type PlannedDoors, plannedPreflight, roomForRuns } from "./plannedPreflight.ts";
import { preflight } from "./preflight.ts";
import { findRoom } from "./room.ts";
import { passesFindings } from "./showFindings.ts";

/**
 * Saves a recipe, checks whether it can be run and shows what prevents it.
 *
 * @returns the recipe as it will run, every default stated, and the text that was checked: what is typed meanwhile is not started. Undefined where
 * it must be fixed first.
 * @throws as `Engine.call`.
 */
export async function checkedRecipe(
  facts: RecipeFacts,
  recipe: vscode.Uri,
  stlAlone: boolean,
): Promise<{ readonly recipe: Recipe; readonly text: string } | undefined> {
  const text = await savedText(recipe);
  const root = dirname(recipe.fsPath);
  const found = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: `Checking ${vscode.workspace.asRelativePath(recipe)}`,
    },
    () =>
      preflight(
        { text, root, stlAlone },
        {
          model: (name) => facts.model(name, root),
          room: () => findRoom(runsFolder(recipe)),
          machine: (...about) => facts.machine(...about),
          place: (asked, work) => facts.place(asked, root, work),
          starter: facts.starter,
        },
      ),
  );
  const passed = await passesFindings(recipe, found.findings, found.cost, found.plan);
  return passed && found.recipe ? { recipe: found.recipe, text } : undefined;
}

/**
 * Saves a comparison, benchmark or sweep, checks whether its runs can be carried out, and shows what prevents it.
 *
 * @param unwritten what is to be written into the file if its runs can be carried out, and the recipe that it is made of, where faults are fixed.
 * @returns the text that was checked, where it is to be started; else undefined.
 * @throws as `Engine.call`.
 */
export async function passesPlanned(
  facts: RecipeFacts,
  file: vscode.Uri,
  unwritten?: { readonly text: string; readonly recipe: vscode.Uri },
): Promise<string | undefined> {
  const text = unwritten?.text ?? (await savedText(file));
  const planned = { text, path: file.fsPath, isUnwritten: unwritten !== undefined };
  const { findings, cost, plan } = await vscode.window.withProgress(
    {
      location: vscode.ProgressLocation.Notification,
      title: `Checking ${vscode.workspace.asRelativePath(file)}`,
    },
    () => plannedPreflight(planned, plannedDoors(facts, file)),
  );
  const passed = unwritten
    ? passesFindings(unwritten.recipe, findings, cost, plan)
    : passesFindings(file, findings, cost, plan, nounOf(file));
  return (await passed) ? text : undefined;
}

/**
 * Checks whether a run that is resumed, or what is left of a comparison, has room on this machine, and shows what prevents it.
 *
 * @returns whether it is to be resumed.
 * @throws as `Engine.call`; DiscernError `run-invalid`.
 */
export async function passesResume(facts: RecipeFacts, run: Run): Promise<boolean> {
  const { folder, cells: state } = run;
  const finished = new Set(state?.finished);
  const left = state ? await readPlan(folder.fsPath) : await asPlan(run);
  const cells = left.cells.filter(({ name }) => !finished.has(name));
  const doors = plannedDoors(facts, folder);
  const { findings, cost, plan } = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `Checking ${run.label}` },
    // What is left of a run that began is less than the whole, so its disk is looked at in its own folder and never a fault.
    () =>
      roomForRuns(cells, { root: left.root, counts: {} }, { ...doors, room: () => findRoom(folder.fsPath) }),
  );
  return passesFindings(vscode.Uri.file(runPaths(folder.fsPath).recipe), findings, cost, plan, "run");
}

/** A run as a plan of one. */
async function asPlan({ folder, label }: Run): Promise<{ root: string; cells: PlannedCell[] }> {
  const { recipe, manifest } = await openRun(folder.fsPath);
  return { root: manifest.recipe.root, cells: [{ name: label, recipe }] };
}

/** What the preflight of several runs asks. @param file that describes them. */
export function plannedDoors(facts: RecipeFacts, file: vscode.Uri): PlannedDoors {
  return {
    model: (name, root) => facts.model(name, root),
    room: () => findRoom(runsFolder(file)),
    machine: (...about) => facts.machine(...about),
    // Runs that are compared share their place, whatever each of them asks.
    place: (recipe, root) => facts.place(recipe, root, null),
    starter: facts.starter,
  };
}

/** What a file that describes several runs is called. */
export function nounOf({ path }: vscode.Uri): "benchmark" | "comparison" | "sweep" {
  if (path.endsWith(sweepSuffix)) return "sweep";
  return path.endsWith(benchmarkSuffix) ? "benchmark" : "comparison";
}

/** Writes what is unsaved in the editor of a recipe or comparison. @returns the text as it now is. */
export async function savedText(recipe: vscode.Uri): Promise<string> {
  const document = await vscode.workspace.openTextDocument(recipe);
  if (document.isDirty && !(await document.save())) {
    throw new Error(`${vscode.workspace.asRelativePath(recipe)} could not be saved.`);
  }
  return document.getText();
}
