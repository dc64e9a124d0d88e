import * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import { RecipeFacts } from "../recipe/facts.ts";
import { makeFreeFolder } from "../runs/freeName.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { pickRun, type RunTarget, runOf } from "../runs/pick.ts";
import { isActive, isResumable } from "../runs/summary.ts";
import { requireTrust } from "../trust.ts";
import { checkedRecipe } from "./checked.ts";
import { Comparisons } from "./comparisons.ts";
import { pickRecipe } from "./pickRecipe.ts";
import { runsFolder } from "./runsFolder.ts";
import { resumeRun, startRun } from "./start.ts";
import { runStatus } from "./status.ts";
import { RunWatch } from "./watch.ts";

/** The commands that start, stop and resume runs, and what shows those that are active. */
export function registerLaunch(
  context: vscode.ExtensionContext,
  engine: Engine,
  library: RunLibrary,
): vscode.Disposable {
  const facts = new RecipeFacts(context, engine, library);
  const comparisons = new Comparisons(context.workspaceState, engine, library);
  const start = async (given: unknown, stlAlone: boolean): Promise<void> => {
    requireTrust();
    const uri = await pickRecipe(given);
    const recipe = uri && (await checkedRecipe(facts, uri, stlAlone));
    if (!uri || !recipe) return;
    const name = stlAlone ? `${recipe.name}-stl-alone` : recipe.name;
    const folder = await makeFreeFolder(runsFolder(uri), name);
    await startRun(engine, library, { recipe: uri.fsPath, set: [], stlAlone, folder });
  };
  /** The run that a command was given, or one that is picked. */
  const chosen = async (
    given: RunTarget | undefined,
    filter: (run: Run) => boolean,
    placeholder: string,
  ): Promise<Run | undefined> =>
    runOf(library, given) ?? (await pickRun(library, { filter, placeholder }))?.[0];
  const stop = async (given: RunTarget | undefined, keepBest: boolean): Promise<void> => {
    requireTrust();
    const active = library.runs.filter(isActive);
    const only = active.length === 1 ? active[0] : undefined;
    const run = await chosen(given ?? only, isActive, "Run to stop");
    if (run) await engine.call("stop", { folder: run.folder.fsPath, keepBest });
  };
  return vscode.Disposable.from(
    facts,
    comparisons,
    new RunWatch(library),
    runStatus(library, comparisons),
    registerCommand("discern.run.start", (given?: unknown) => start(given, false)),
    registerCommand("discern.run.startStlAlone", (given?: unknown) => start(given, true)),
    registerCommand("discern.run.compareBoth", async (given?: unknown) => {
      requireTrust();
      const uri = await pickRecipe(given);
      const recipe = uri && (await checkedRecipe(facts, uri, false));
      if (!uri || !recipe) return;
      if (new Set(recipe.stages.map(({ type }) => type)).size < 2) {
        throw new Error(
          `There is nothing to compare: ${vscode.workspace.asRelativePath(uri)} needs a contrastive stage, which STL alone leaves out, and a supervised one.`,
        );
      }
      await comparisons.add(uri.fsPath, recipe);
    }),
    registerCommand("discern.run.showQueue", () => comparisons.show()),
    registerCommand("discern.runs.stop", (given?: RunTarget) => stop(given, false)),
    registerCommand("discern.runs.stopAndKeepBest", (given?: RunTarget) => stop(given, true)),
    registerCommand("discern.runs.resume", async (given?: RunTarget) => {
      requireTrust();
      const run = await chosen(given, isResumable, "Run to resume");
      if (run) await resumeRun(engine, library, run);
    }),
  );
}
