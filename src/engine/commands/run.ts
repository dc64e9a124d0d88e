import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type DeviceChoice, deviceChoiceSchema } from "../../protocol/device.ts";
import type { RunEvent } from "../../protocol/events.ts";
import { loadRecipe, refuseChangesWithoutRecipe } from "../../recipe/loadRecipe.ts";
import { cellFolder, cellOf, isComparison, readPlan } from "../../runFolder/comparison.ts";
import { completedRecipe } from "../../runFolder/completedRecipe.ts";
import { TrialRules } from "../../runFolder/stopRules.ts";
import { recordOpenings } from "../../runFolder/suiteOpenings.ts";
import { describesSeveral, planFile } from "../abilities/plan.ts";
import { type ExecuteOptions, executeRun, type RunEnd, resumeRun } from "../run/execute.ts";
import { requireRunFiles } from "../run/prompts.ts";
import { Stopped } from "../run/stop.ts";
import { runDisplay } from "./display.ts";
import { requireClearGates } from "./gates.ts";
import { checkReport, type PlanFlags, withPlanOptions, workOnPlan } from "./plan.ts";
import { progressBar, type Shell, say, sayMeasuring } from "./shell.ts";
import { detach, withStop } from "./work.ts";

interface Flags extends PlanFlags {
  stlAlone?: boolean;
}

export function addRun(program: Command): void {
  withPlanOptions(program.command("run"), "comparison: ")
    .argument(
      "[file]",
      "recipe, comparison or sweep file, preset:default, preset:paper, preset:paper-figures, preset:sweep-loss, …; not needed with --resume --out",
    )
    .description(
      "train and evaluate by a recipe, or run every method of a comparison or trial of a sweep, seed by seed",
    )
    .option("--stl-alone", "leave out the contrastive stages")
    .action(async (name: string | undefined, flags: Flags, command: Command) => {
      if (name === undefined && !(flags.resume && flags.out)) {
        command.error("error: give a recipe or comparison file, or --resume with --out", { exitCode: 2 });
      }
      const several = name === undefined ? await isComparison(flags.out!) : describesSeveral(name);
      refuseChangesWithoutRecipe(name, { set: flags.set, stlAlone: !!flags.stlAlone }, several);
      if (several && flags.stlAlone) {
        command.error("error: --stl-alone is for a recipe; a comparison names its methods", { exitCode: 2 });
      }
      if (!several) return runBy(name, flags, command);
      const plan = name === undefined ? await readPlan(resolve(flags.out!)) : await planFile(name, flags.set);
      return workOnPlan("run", name, plan, flags, command);
    });
}

/** The run of one recipe, or what is left of it. */
async function runBy(name: string | undefined, flags: Flags, command: Command): Promise<void> {
  const foreign = (["jobs", "only", "failFast", "plan"] as const).find((key) => flags[key] !== undefined);
  if (foreign !== undefined) {
    const flag = foreign === "failFast" ? "fail-fast" : foreign;
    command.error(`error: --${flag} is for a comparison`, { exitCode: 2 });
  }
  const changes = { set: flags.set, stlAlone: !!flags.stlAlone };
  const loaded = name === undefined ? null : await loadRecipe(name, changes);
  if (loaded) requireClearGates(flags, loaded.recipe.evaluate.judges, command);
  // Before a run folder is made, or an engine started for it.
  if (loaded) await requireRunFiles(loaded.recipe, loaded.root);
  const folder = resolve(flags.out ?? join("runs", loaded!.recipe.name));
  if (flags.detach) await detach("run", name, folder, flags);
  else {
    const end = await workOnRun(folder, flags, (options) =>
      loaded
        ? executeRun(loaded.recipe, loaded.root, !!flags.resume, options)
        : resumeRun(options, flags.set),
    );
    if (end === "finished") await checkReport(folder, flags);
  }
}

/** What one run of a comparison is carried out by, in a process of its own. */
export function addRunCell(program: Command): void {
  program
    .command("run-cell", { hidden: true })
    .argument("<comparison>", "folder of the comparison")
    .argument("<cell>", "name of the cell")
    .option("--device-choice <json>", "what auto stands for in every run of the comparison", (json) =>
      deviceChoiceSchema.parse(JSON.parse(json)),
    )
    .action(async (folder: string, name: string, flags: { deviceChoice?: DeviceChoice }) => {
      const plan = await readPlan(folder);
      const cell = cellOf(plan, name);
      const recipe = await completedRecipe(plan, folder, cell);
      let recorded = Promise.resolve();
      const record = () => {
        recorded = recorded.then(() => recordOpenings(folder, cell));
        // It is waited for below, and fails there.
        recorded.catch(() => undefined);
      };
      // What was opened before the process that opened it was killed.
      record();
      await workOnRun(cellFolder(folder, cell), { json: false }, (options) =>
        executeRun(recipe, plan.root, true, {
          ...options,
          deviceChoice: flags.deviceChoice,
          ...(plan.sweep && { rules: new TrialRules(plan, folder, { ...cell, recipe }) }),
          onEvent(event) {
            options.onEvent?.(event);
            if (event.type === "suite-opened") record();
          },
        }),
      ).finally(() => recorded);
    });
}

/** Works on a run in this process, shows its events, and says how it ended. */
async function workOnRun(
  folder: string,
  { json }: Shell,
  execute: (options: ExecuteOptions) => Promise<RunEnd>,
): Promise<RunEnd> {
  const reading = progressBar("Reading the model");
  const display = runDisplay(json);
  return withStop(folder, async (stop, engine): Promise<RunEnd> => {
    try {
      const end = await execute({
        folder,
        stop,
        onReady: () => engine.announce(),
        onMeasuring: sayMeasuring(),
        onEvent(event: RunEvent) {
          display.show(event);
          engine.publish(event);
        },
        onProgress: ({ done, total }: { done: number; total: number }) => reading(done, total),
        onStatus: say,
      });
      display.end();
      say(
        end === "finished"
          ? `Finished: ${folder}`
          : `Stopped and saved. Resume with: discern run --resume --out ${folder}`,
      );
      return end;
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
      say("Stopped while data and model were read: nothing was computed, and nothing has changed.");
      process.exitCode = 130;
      return "stopped";
    } finally {
      display.end();
    }
  });
}
