import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { fromWire, wireErrorSchema } from "../../protocol/wireError.ts";
import { refuseChangesWithoutRecipe } from "../../recipe/loadRecipe.ts";
import { isComparison } from "../../runFolder/comparison.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { readEngine, runPaths } from "../../runFolder/folder.ts";
import { makeFolders } from "../../storage/folders.ts";
import { allocator } from "../server/launch.ts";

export interface DetachOptions {
  /** The command that runs it; `run` where left out. */
  readonly command?: "run" | "benchmark";
  /** Recipe file, comparison file, or `preset:NAME`; left out to resume what is in the folder. */
  readonly recipe?: string | undefined;
  readonly folder: string;
  readonly set: readonly string[];
  readonly stlAlone: boolean;
  readonly resume: boolean;
  /** Further flags of `run`, such as those of a comparison. */
  readonly flags?: readonly string[];
}

/** Milliseconds between two looks whether the engine works. */
const look = 50;
/** Lines of the log that an error cites. */
const citedLines = 8;

/** What an engine says before it ends because of a failure. */
const farewellSchema = z.object({ error: wireErrorSchema });

/** The failure that an engine sent to the process that started it; null for any other message. */
export function farewellError(message: unknown): Error | null {
  const { data } = farewellSchema.safeParse(message);
  return data === undefined ? null : fromWire(data.error);
}

/**
 * Starts an engine that works on a run by itself and outlives whoever started it; what it says goes to `engine.log`
 * in the run folder.
 *
 * @param program the program and arguments of Discern's command line.
 * @returns once the run works.
 * @throws DiscernError the engine's own when it failed before; `run-unwritable`; `request-invalid` with the log's last
 *   lines when it ended without a word that is known, and for changes to the recipe of a run that is resumed.
 */
export async function startDetached(
  { recipe, folder, set, stlAlone, resume, flags: further = [], command = "run" }: DetachOptions,
  [file, ...args]: readonly [string, ...string[]],
): Promise<{ folder: string; pid: number }> {
  refuseChangesWithoutRecipe(recipe, { set, stlAlone }, await isComparison(resolve(folder)));
  const paths = runPaths(resolve(folder));
  let log: number;
  try {
    await makeFolders(paths.folder);
    log = openSync(paths.engineLog, "a");
  } catch (error) {
    throw writeFailure(error, paths.folder);
  }
  const already = readFileSync(paths.engineLog, "utf8").length;
  const flags = [
    ...(recipe === undefined ? [] : [recipe]),
    ...set.flatMap((change) => ["--set", change]),
    ...(stlAlone ? ["--stl-alone"] : []),
    ...(resume ? ["--resume"] : []),
    ...further,
    "--out",
    paths.folder,
  ];
  const engine = spawn(file, [...args, command, ...flags], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    windowsHide: true,
    env: { ...allocator, ...process.env },
  });
  closeSync(log);
  let ended = false;
  let farewell: Error | null = null;
  engine.on("message", (message) => {
    farewell = farewellError(message) ?? farewell;
  });
  // Not "exit", which may come before the last message.
  for (const event of ["disconnect", "error"]) {
    engine.once(event, () => {
      ended = true;
    });
  }
  for (;;) {
    const working = await readEngine(paths.folder);
    if (working !== null && working.pid === engine.pid) {
      if (engine.connected) engine.disconnect();
      engine.unref();
      return { folder: paths.folder, pid: working.pid };
    }
    if (ended) {
      if (farewell !== null) throw farewell;
      const said = readFileSync(paths.engineLog, "utf8").slice(already).trim().split("\n");
      throw new DiscernError(
        "request-invalid",
        `The run in ${paths.folder} did not start. ${said.slice(-citedLines).join("\n")}`,
      );
    }
    await sleep(look);
  }
}
