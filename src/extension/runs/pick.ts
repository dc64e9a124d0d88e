import * as vscode from "vscode";
import { description, stateIcons } from "./describe.ts";
import type { Run, RunLibrary } from "./library.ts";

/** What a command about a run may be given: a row of the view, a run, or its folder. */
export type RunTarget = Run | { readonly run: Run } | vscode.Uri;

/** The run that a command was given, as it is known now; undefined for anything else, such as a line below a run. */
export function runOf(library: RunLibrary, target: RunTarget | undefined): Run | undefined {
  if (target === undefined) return undefined;
  if (target instanceof vscode.Uri) return library.run(target);
  if ("run" in target) return library.run(target.run.folder);
  return "folder" in target ? library.run(target.folder) : undefined;
}

/**
 * Asks for runs.
 *
 * @param options.filter which runs are offered; all where it is left out.
 * @param options.many whether several can be chosen.
 * @param options.ticked where several can be: which are proposed. They stand first.
 * @returns the chosen ones; undefined when none was chosen. Says so when there is none to choose from.
 */
export async function pickRun(
  library: RunLibrary,
  options: {
    filter?: (run: Run) => boolean;
    placeholder: string;
    many?: boolean;
    ticked?: (run: Run) => boolean;
  },
): Promise<Run[] | undefined> {
  const runs = options.filter ? library.runs.filter(options.filter) : library.runs;
  if (runs.length === 0) {
    void vscode.window.showInformationMessage("No run is available for this command.");
    return undefined;
  }
  const items = runs
    .map((run) => ({ ...runItem(library, run), picked: options.ticked?.(run) ?? false }))
    .sort((a, b) => Number(b.picked) - Number(a.picked));
  const choice = { placeHolder: options.placeholder, matchOnDescription: true, matchOnDetail: true };
  const chosen = options.many
    ? await vscode.window.showQuickPick(items, { ...choice, canPickMany: true })
    : [await vscode.window.showQuickPick(items, choice)];
  const picked = chosen?.flatMap((item) => item?.run ?? []) ?? [];
  return picked.length > 0 ? picked : undefined;
}

/** A run as an entry to choose. */
export function runItem(library: RunLibrary, run: Run) {
  return {
    label: `$(${stateIcons[run.state].icon}) ${run.label}`,
    description: run.state,
    detail: description(run, library.headline(run)),
    run,
  };
}
