import { join, resolve } from "node:path";
import type { Command } from "commander";
import { loadRecipe } from "../abilities/recipe.ts";
import { executeRun, resumeRun } from "../run/execute.ts";
import { Stop, stopOnSignals } from "../run/stop.ts";
import { runDisplay } from "./display.ts";
import { progressBar, type Shell, say } from "./shell.ts";

interface Flags extends Shell {
  out?: string;
  resume?: boolean;
  stlAlone?: boolean;
  set: string[];
}

export function addRun(program: Command): void {
  program
    .command("run")
    .argument("[recipe]", "recipe file, or preset:default, preset:paper; not needed with --resume --out")
    .description("train by a recipe: contrast, safety tuning, evaluation")
    .option("--out <folder>", "run folder; runs/NAME where left out")
    .option("--resume", "go on where the run folder was left")
    .option("--stl-alone", "leave out the contrastive stages")
    .option(
      "--set <key=value>",
      "change a key of the recipe; may be repeated",
      (each, all: string[]) => [...all, each],
      [],
    )
    .option("--json", "events as JSON lines on stdout", false)
    .action(async (name: string | undefined, flags: Flags, command: Command) => {
      if (name === undefined && !(flags.resume && flags.out)) {
        command.error("error: give a recipe, or --resume with --out", { exitCode: 2 });
      }
      const loaded =
        name === undefined ? null : await loadRecipe(name, { set: flags.set, stlAlone: !!flags.stlAlone });
      const folder = resolve(flags.out ?? join("runs", loaded!.recipe.name));
      const stop = new Stop();
      const release = stopOnSignals((signal) => {
        stop.request();
        say(`${signal}: finishing this step and saving. Once more ends at once.`);
      });
      const reading = progressBar("Reading the model");
      const display = runDisplay(flags.json);
      const options = {
        folder,
        stop,
        onEvent: display.show,
        onProgress: ({ done, total }: { done: number; total: number }) => reading(done, total),
      };
      try {
        const end = loaded
          ? await executeRun(loaded.recipe, loaded.root, !!flags.resume, options)
          : await resumeRun(options);
        display.end();
        say(
          end === "finished"
            ? `Finished: ${folder}`
            : `Stopped and saved. Go on with: discern run --resume --out ${folder}`,
        );
      } finally {
        display.end();
        release();
      }
    });
}
