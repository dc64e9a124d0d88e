/*
 * Starting runs. A recipe is checked as the run itself would check it, with what the machine has room for; what stands in the way is shown
 * with its remedy before anything starts. The run is then a process of its own that outlives the window. Notifications, status bar and
 * warnings about a silent engine follow from the run folders, whoever started the run.
 */

import { basename } from "node:path";
import * as vscode from "vscode";
import { recipeSuffix } from "../../protocol/recipe.ts";
import { plannedSuffixes } from "../../recipe/checkPlanned.ts";
import { readRecipe } from "../../recipe/recipeFile.ts";
import { registerCommand } from "../contributions.ts";
import type { Engine } from "../engine/engine.ts";
import type { RecipeFacts } from "../recipe/facts.ts";
import type { Run, RunLibrary } from "../runs/library.ts";
import { pickRun, type RunTarget, runOf } from "../runs/pick.ts";
import { isActive, isResumable } from "../runs/summary.ts";
import { requireTrust } from "../trust.ts";
import { checkedRecipe, passesPlanned, passesResume, savedText } from "./checked.ts";
import { compareMethods, dropQueue, startComparison } from "./compareMethods.ts";
import { runAgain, trainOn } from "./launchOn.ts";
import { pickRecipe } from "./pickRecipe.ts";
import { registerQueue } from "./queue.ts";
import { launch, resumeRun } from "./start.ts";
import { runStatus } from "./status.ts";
import { UnderWay } from "./underWay.ts";
import { RunWatch } from "./watch.ts";

/** A row of the Prompts view that is of a file. */
interface FileTarget {
  readonly file?: { readonly uri: vscode.Uri };
}

/** The commands that start, stop and resume runs, and what shows those that are active. */
export function registerLaunch(
  context: vscode.ExtensionContext,
  { engine, library, facts }: { engine: Engine; library: RunLibrary; facts: RecipeFacts },
): vscode.Disposable {
  dropQueue(context.workspaceState);
  const underWay = new UnderWay();
  const start = async (given: unknown, stlAlone: boolean): Promise<void> => {
    requireTrust();
    const uri = await (stlAlone ? pickRecipe(given) : pickRecipe(given, [recipeSuffix, ...plannedSuffixes]));
    const suffix = plannedSuffixes.find((each) => uri?.path.endsWith(each));
    if (uri !== undefined) await underWay.once(`${uri} ${stlAlone}`, () => startFile(uri, suffix, stlAlone));
  };
  const startFile = async (uri: vscode.Uri, suffix: string | undefined, stlAlone: boolean): Promise<void> => {
    if (suffix !== undefined) {
      const text = await passesPlanned(facts, uri);
      if (text !== undefined)
        await startComparison(engine, library, { file: uri, text }, basename(uri.fsPath, suffix));
      return;
    }
    const checked = await checkedRecipe(facts, uri, stlAlone);
    if (!checked) return;
    const { recipe, text } = checked;
    const name = stlAlone ? `${recipe.name}-stl-alone` : recipe.name;
    await launch(engine, library, name, { kind: "start", file: uri.fsPath, text, stlAlone });
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
    const offered = (run: Run) => isActive(run) && !(keepBest && run.cells !== undefined);
    // Of a comparison and its run at work, the comparison, unless a state is to be kept: it has none.
    const active = library.runs.filter((run) => offered(run) && (keepBest || !isPartOfActive(library, run)));
    const only = active.length === 1 ? active[0] : undefined;
    const run = await chosen(given ?? only, offered, "Run to stop");
    if (!run) return;
    // Said before the engine is asked: it may be in the middle of a long step.
    library.stopAsked(run, keepBest);
    try {
      await engine.call("stop", { folder: run.folder.fsPath, keepBest });
    } catch (error) {
      library.stopFailed(run);
      throw error;
    }
  };
  return vscode.Disposable.from(
    new RunWatch(library),
    runStatus(library),
    registerQueue(engine, library),
    registerCommand("discern.run.start", (given?: unknown) => start(given, false)),
    registerCommand("discern.run.startStlAlone", (given?: unknown) => start(given, true)),
    registerCommand("discern.run.compareBoth", async (given?: unknown) => {
      requireTrust();
      const uri = await pickRecipe(given);
      if (!uri) return;
      await underWay.once(`compare ${uri}`, async () => {
        // The comparison is checked as a whole; a recipe that is none has faults that are shown at once.
        const recipe =
          readRecipe(await savedText(uri)).recipe ?? (await checkedRecipe(facts, uri, false))?.recipe;
        if (recipe) await compareMethods({ engine, library, facts }, uri, recipe);
      });
    }),
    registerCommand("discern.run.onPrompts", async (given?: vscode.Uri | FileTarget) => {
      const file = given instanceof vscode.Uri ? given : given?.file?.uri;
      if (file) await trainOn(file);
    }),
    registerCommand("discern.run.again", async (given?: RunTarget) => {
      const isEnded = (run: Run) => !isActive(run) && run.cells === undefined;
      const run = await chosen(given, isEnded, "Run to repeat");
      if (run) await runAgain(run);
    }),
    registerCommand("discern.runs.stop", (given?: RunTarget) => stop(given, false)),
    registerCommand("discern.runs.stopAndKeepBest", (given?: RunTarget) => stop(given, true)),
    registerCommand("discern.runs.resume", async (given?: RunTarget) => {
      requireTrust();
      const run = await chosen(given, isResumable, "Run to resume");
      if (!run) return;
      await underWay.once(`resume ${run.folder}`, async () => {
        if (await passesResume(facts, run)) await resumeRun(engine, library, run);
      });
    }),
  );
}

/** Whether a run is at work for a comparison. */
function isPartOfActive(library: RunLibrary, run: Run): boolean {
  const comparison = library.comparisonOf(run);
  return comparison !== undefined && isActive(comparison);
}
