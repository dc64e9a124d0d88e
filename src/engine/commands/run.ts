import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { RunEvent } from "../../protocol/events.ts";
import { loadRecipe, refuseChangesWithoutRecipe } from "../../recipe/loadRecipe.ts";
import { startDetached } from "../abilities/detach.ts";
import { executeRun, resumeRun } from "../run/execute.ts";
import { requireRunFiles } from "../run/prompts.ts";
import { anyStop, Stop, Stopped, stopOnSignals } from "../run/stop.ts";
import { openRunEngine } from "../server/runEngine.ts";
import { runDisplay } from "./display.ts";
import { progressBar, type Shell, say, show } from "./shell.ts";

interface Flags extends Shell {
  out?: string;
  resume?: boolean;
  detach?: boolean;
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
    .option("--detach", "leave the run to an engine of its own, which goes on when this terminal is gone")
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
      refuseChangesWithoutRecipe(name, { set: flags.set, stlAlone: !!flags.stlAlone });
      const fresh = name === undefined ? {} : { recipe: name };
      const loaded =
        name === undefined ? null : await loadRecipe(name, { set: flags.set, stlAlone: !!flags.stlAlone });
      // Before a run folder is made, or an engine started for it.
      if (loaded) await requireRunFiles(loaded.recipe, loaded.root);
      const folder = resolve(flags.out ?? join("runs", loaded!.recipe.name));
      if (flags.detach) {
        const asked = {
          ...fresh,
          folder,
          set: flags.set,
          stlAlone: !!flags.stlAlone,
          resume: !!flags.resume,
        };
        const started = await startDetached(asked, [process.execPath, process.argv[1]!]);
        show(flags, started, () => `Process ${started.pid} works in ${folder}. See: discern watch ${folder}`);
        return;
      }
      const engine = await openRunEngine(folder);
      const stop = new Stop();
      const release = stopOnSignals((signal) => {
        stop.request();
        say(`${signal}: finishing this step or batch and saving. A second signal ends at once.`);
      });
      const reading = progressBar("Reading the model");
      const display = runDisplay(flags.json);
      const options = {
        folder,
        stop: anyStop(stop, engine.stop),
        onReady: () => engine.announce(),
        onEvent(event: RunEvent) {
          display.show(event);
          engine.publish(event);
        },
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
            : `Stopped and saved. Resume with: discern run --resume --out ${folder}`,
        );
      } catch (error) {
        if (!(error instanceof Stopped)) throw error;
        say("Stopped while data and model were read: nothing was computed, and nothing has changed.");
        process.exitCode = 130;
      } finally {
        display.end();
        release();
        await engine.close();
      }
    });
}
