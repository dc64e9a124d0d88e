import { resolve } from "node:path";
import type { Command } from "commander";
import { refuseChangesWithoutRecipe } from "../../recipe/loadRecipe.ts";
import { readPlan } from "../../runFolder/comparison.ts";
import { planBenchmarkFile } from "../abilities/plan.ts";
import { type PlanFlags, withPlanOptions, workOnPlan } from "./plan.ts";
import { seedsOf } from "./shell.ts";

export function addBenchmark(program: Command): void {
  withPlanOptions(program.command("benchmark"))
    .argument("[file]", "benchmark file, preset:small, preset:paper-table, …; not needed with --resume --out")
    .option("--seeds <list>", "seeds in place of those of the file, such as 0,1,2", seedsOf)
    .description("run methods, seeds and suites of a benchmark, and write one report over all")
    .action(async (name: string | undefined, flags: PlanFlags, command: Command) => {
      if (name === undefined && !(flags.resume && flags.out)) {
        command.error("error: give a benchmark file, or --resume with --out", { exitCode: 2 });
      }
      if (name === undefined && flags.seeds !== undefined) {
        command.error("error: --seeds needs the benchmark file", { exitCode: 2 });
      }
      refuseChangesWithoutRecipe(name, { set: flags.set, stlAlone: false }, true);
      const plan =
        name === undefined ? await readPlan(resolve(flags.out!)) : await planBenchmarkFile(name, flags);
      await workOnPlan("benchmark", name, plan, flags, command);
    });
}
