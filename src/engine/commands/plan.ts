import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import type { Plan } from "../../protocol/cells.ts";
import { type Gate, parseGate } from "../../protocol/report/gates.ts";
import { judgedReport } from "../abilities/judged.ts";
import { namesOf, runComparison, showPlan } from "./comparison.ts";
import { checkGates, failGates, type GateFlags, requireClearGates, withGates } from "./gates.ts";
import { positiveInteger, type Shell, say, withPlacement } from "./shell.ts";
import { detach, program, withStop } from "./work.ts";

/** Flags of a command that runs what a plan consists of. */
export interface PlanFlags extends Shell, GateFlags {
  out?: string;
  resume?: boolean;
  detach?: boolean;
  set: string[];
  backend?: string;
  device?: string;
  jobs?: number;
  only?: string[];
  failFast?: boolean;
  plan?: boolean;
  /** Of a benchmark. */
  seeds?: number[];
}

/**
 * The options of a command that runs plans.
 *
 * @param only said before those that a run of one recipe does not have.
 */
export function withPlanOptions(command: Command, only = ""): Command {
  return withPlacement(withGates(command))
    .option("--out <folder>", "folder of what is run; runs/NAME where left out")
    .option("--resume", "resume where the folder was left")
    .option("--detach", "run in a process of its own, which continues when this terminal is closed")
    .option(
      "--set <key=value>",
      "change a key of the recipe, in every run; may be repeated",
      (each, all: string[]) => [...all, each],
      [],
    )
    .addOption(new Option("--jobs <n>", `${only}runs at a time (default: 1)`).argParser(positiveInteger))
    .option(
      "--only <runs>",
      `${only}only these runs, such as stl-0,stl-1; the others may run elsewhere`,
      namesOf,
    )
    .option("--fail-fast", `${only}start no further run after one fails`)
    .option("--plan", `${only}print the runs, their state and what they cost, and exit`)
    .option("--json", "events as JSON lines on stdout", false)
    .hook("preAction", (own) => {
      const { detach: isDetached, failIf, set, backend, device } = own.opts<PlanFlags>();
      // The same as a change of the recipe, and made after those that are given as such.
      const named = Object.entries({ backend, device }).filter(([, value]) => value !== undefined);
      own.setOptionValue("set", [...set, ...named.map(([key, value]) => `${key}=${value}`)]);
      if (isDetached && failIf.length > 0)
        own.error("error: --fail-if needs the report, which --detach does not wait for", { exitCode: 2 });
    });
}

/**
 * Runs a plan or what is left of it, shows it, or starts a process that runs it, as the flags say.
 *
 * @param name the file, or what stands for one; undefined to resume what is in the folder.
 * @param action the command that runs such files.
 */
export async function workOnPlan(
  action: "run" | "benchmark",
  name: string | undefined,
  plan: Plan,
  flags: PlanFlags,
  command: Command,
): Promise<void> {
  const folder = resolve(flags.out ?? join("runs", plan.name));
  const unknown = flags.only?.find((each) => !plan.cells.some((cell) => cell.name === each));
  if (unknown !== undefined) {
    const cells = plan.cells.map((cell) => cell.name).join(", ");
    command.error(`error: --only ${unknown}: the runs are ${cells}`, { exitCode: 2 });
  }
  const gates = (plan.benchmark?.gates ?? []).map(parseGate);
  // Every run is judged alike.
  requireClearGates(flags, plan.sweep?.evaluate.judges ?? plan.cells[0]!.recipe.evaluate.judges, command);
  if (flags.plan) await showPlan(plan, folder, flags);
  else if (flags.detach) {
    if (gates.length > 0) say(uncheckedGates(folder));
    await detach(action, name, folder, flags, [
      ...(flags.jobs === undefined ? [] : ["--jobs", String(flags.jobs)]),
      ...(flags.only === undefined ? [] : ["--only", flags.only.join(",")]),
      ...(flags.failFast ? ["--fail-fast"] : []),
      ...(flags.seeds === undefined ? [] : ["--seeds", flags.seeds.join(",")]),
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
    if (failed.length > 0) {
      const reason = `There is no report over all runs, since these failed: ${failed.join(", ")}.`;
      await failGates([...gates, ...flags.failIf], plan.name, reason, flags);
      process.exitCode = 1;
    } else if (end === "finished" && report !== null) await checkReport(folder, flags, gates);
    else {
      // The gates of the file are of the whole plan, of which others may run the rest; those of the command were asked of this one.
      if (gates.length > 0) say(uncheckedGates(folder));
      await failGates(flags.failIf, plan.name, "There is no report yet: not all runs have finished.", flags);
    }
  }
}

/** What is said where the gates of a file wait for its other runs. */
function uncheckedGates(folder: string): string {
  return `The gates of the file are checked once all runs have finished: discern benchmark --resume --out ${folder}`;
}

/**
 * Holds the report of a run or plan against the gates of its command and those of a file.
 *
 * @throws DiscernError `run-invalid` where there are gates and no report.
 */
export async function checkReport(
  folder: string,
  flags: GateFlags,
  ofFile: readonly Gate[] = [],
): Promise<void> {
  if (flags.failIf.length + ofFile.length === 0) return;
  await checkGates(await judgedReport(folder), flags, ofFile);
}
