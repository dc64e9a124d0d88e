import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { type DeviceChoice, deviceChoiceSchema } from "../../protocol/device.ts";
import type { RunEvent } from "../../protocol/events.ts";
import { loadRecipe, refuseChangesWithoutRecipe } from "../../recipe/loadRecipe.ts";
import { cellFolder, isComparison, readPlan } from "../../runFolder/comparison.ts";
import { cellOf, completedRecipe } from "../../runFolder/completedRecipe.ts";
import { recordOpenings } from "../../runFolder/suiteOpenings.ts";
import { startDetached } from "../abilities/detach.ts";
import { judgedReport } from "../abilities/judged.ts";
import { describesSeveral, planFile } from "../abilities/plan.ts";
import { type ExecuteOptions, executeRun, type RunEnd, resumeRun } from "../run/execute.ts";
import { requireRunFiles } from "../run/prompts.ts";
import { anyStop, Stop, Stopped, stopOnSignals } from "../run/stop.ts";
import { openRunEngine, type RunEngine } from "../server/runEngine.ts";
import { namesOf, runComparison, showPlan } from "./comparison.ts";
import { runDisplay } from "./display.ts";
import { checkGates, type GateFlags, withGates } from "./gates.ts";
import { positiveInteger, progressBar, type Shell, say, show } from "./shell.ts";

interface Flags extends Shell, GateFlags {
  out?: string;
  resume?: boolean;
  detach?: boolean;
  stlAlone?: boolean;
  set: string[];
  jobs?: number;
  only?: string[];
  failFast?: boolean;
  plan?: boolean;
}

export function addRun(program: Command): void {
  withGates(program.command("run"))
    .argument(
      "[file]",
      "recipe file, preset:default, preset:paper, or comparison file; not needed with --resume --out",
    )
    .description("train and evaluate by a recipe, or run every method and seed of a comparison")
    .option("--out <folder>", "folder of the run or comparison; runs/NAME where left out")
    .option("--resume", "resume where the folder was left")
    .option("--detach", "run in a process of its own, which continues when this terminal is closed")
    .option("--stl-alone", "leave out the contrastive stages")
    .option(
      "--set <key=value>",
      "change a key of the recipe, in every run of a comparison; may be repeated",
      (each, all: string[]) => [...all, each],
      [],
    )
    .addOption(new Option("--jobs <n>", "comparison: runs at a time (default: 1)").argParser(positiveInteger))
    .option(
      "--only <runs>",
      "comparison: only these runs, such as stl-0,stl-1; the others may run elsewhere",
      namesOf,
    )
    .option("--fail-fast", "comparison: start no further run after one fails")
    .option("--plan", "comparison: print the runs and their state, and exit")
    .option("--json", "events as JSON lines on stdout", false)
    .action(async (name: string | undefined, flags: Flags, command: Command) => {
      if (flags.detach && flags.failIf.length > 0) {
        command.error("error: --fail-if needs the report, which --detach does not wait for", { exitCode: 2 });
      }
      if (name === undefined && !(flags.resume && flags.out)) {
        command.error("error: give a recipe or comparison file, or --resume with --out", { exitCode: 2 });
      }
      refuseChangesWithoutRecipe(name, { set: flags.set, stlAlone: !!flags.stlAlone });
      const several = name === undefined ? await isComparison(flags.out!) : describesSeveral(name);
      if (several) await compareBy(name, flags, command);
      else await runBy(name, flags, command);
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
  // Before a run folder is made, or an engine started for it.
  if (loaded) await requireRunFiles(loaded.recipe, loaded.root);
  const folder = resolve(flags.out ?? join("runs", loaded!.recipe.name));
  if (flags.detach) await detach(name, folder, flags, []);
  else {
    const end = await workOnRun(folder, flags, (options) =>
      loaded ? executeRun(loaded.recipe, loaded.root, !!flags.resume, options) : resumeRun(options),
    );
    if (end === "finished") await checkRunGates(folder, flags);
  }
}

/** The runs of a comparison, or what is left of them. */
async function compareBy(name: string | undefined, flags: Flags, command: Command): Promise<void> {
  if (flags.stlAlone) {
    command.error("error: --stl-alone is for a recipe; a comparison names its methods", { exitCode: 2 });
  }
  const plan = name === undefined ? await readPlan(resolve(flags.out!)) : await planFile(name, flags.set);
  const folder = resolve(flags.out ?? join("runs", plan.name));
  const unknown = flags.only?.find((each) => !plan.cells.some((cell) => cell.name === each));
  if (unknown !== undefined) {
    const cells = plan.cells.map((cell) => cell.name).join(", ");
    command.error(`error: --only ${unknown}: the runs are ${cells}`, { exitCode: 2 });
  }
  if (flags.plan) await showPlan(plan, folder, flags);
  else if (flags.detach) {
    await detach(name, folder, flags, [
      ...(flags.jobs === undefined ? [] : ["--jobs", String(flags.jobs)]),
      ...(flags.only === undefined ? [] : ["--only", flags.only.join(",")]),
      ...(flags.failFast ? ["--fail-fast"] : []),
    ]);
  } else {
    const { end, failed, report } = await withStop(folder, (stop, engine) =>
      runComparison(plan, {
        folder,
        resume: !!flags.resume,
        jobs: flags.jobs ?? 1,
        only: flags.only,
        keepGoing: !flags.failFast,
        json: flags.json,
        stop,
        program: program(),
        onReady: () => engine.announce(),
      }),
    );
    if (end === "stopped") say(`Stopped and saved. Resume with: discern run --resume --out ${folder}`);
    if (failed.length > 0) process.exitCode = 1;
    else if (end === "finished" && report !== null) await checkRunGates(folder, flags);
  }
}

/**
 * Holds the report of a run or comparison against the gates of its command.
 *
 * @throws DiscernError `run-invalid` where there are gates and no report.
 */
async function checkRunGates(folder: string, flags: Flags): Promise<void> {
  if (flags.failIf.length > 0) await checkGates(await judgedReport(folder), flags);
}

async function detach(
  recipe: string | undefined,
  folder: string,
  { set, stlAlone, resume, json }: Flags,
  flags: readonly string[],
): Promise<void> {
  const asked = { recipe, folder, set, stlAlone: !!stlAlone, resume: !!resume, flags };
  const started = await startDetached(asked, program());
  show({ json }, started, () => `Process ${started.pid} works in ${folder}. See: discern watch ${folder}`);
}

/** Discern's command line as this process was started by it. */
function program(): [string, string] {
  return [process.execPath, process.argv[1]!];
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
        onEvent(event: RunEvent) {
          display.show(event);
          engine.publish(event);
        },
        onProgress: ({ done, total }: { done: number; total: number }) => reading(done, total),
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

/** Work that signals and the pipes of this process can stop. */
async function withStop<T>(
  folder: string,
  work: (stop: ReturnType<typeof anyStop>, engine: RunEngine) => Promise<T>,
): Promise<T> {
  const engine = await openRunEngine(folder);
  const stop = new Stop();
  const release = stopOnSignals((signal) => {
    stop.request();
    say(`${signal}: finishing this step or batch and saving. A second signal ends at once.`);
  });
  try {
    return await work(anyStop(stop, engine.stop), engine);
  } finally {
    release();
    await engine.close();
  }
}
