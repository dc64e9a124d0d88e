import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cell, Plan } from "../../protocol/cells.ts";
import type { DeviceChoice } from "../../protocol/device.ts";
import type { RunEvent } from "../../protocol/events.ts";
import { timeline } from "../../protocol/timeline.ts";
import { EventReader, readEvents } from "../../runFolder/eventLog.ts";
import { writeFailure } from "../../runFolder/failures.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { lockHolder } from "../../runFolder/lock.ts";
import { makeFolders } from "../../storage/folders.ts";
import { isVisible } from "../../storage/processIdentity.ts";
import { cellState } from "../run/cells.ts";
import type { RunEnd } from "../run/execute.ts";
import type { StopToken } from "../run/stop.ts";
import { allocator } from "../server/launch.ts";
import { farewellError } from "./detach.ts";
import { stopRun } from "./stop.ts";

/** Milliseconds between two looks at a cell's event log. */
const look = 200;

export interface CellProcessOptions {
  readonly plan: Plan;
  /** Folder of the plan. */
  readonly comparison: string;
  /** The program and arguments of Discern's command line. */
  readonly program: readonly [string, ...string[]];
  readonly stop: StopToken;
  /** What `auto` stands for in every run of the comparison that says the same of its backend; asked for before a run is started. */
  readonly deviceChoice: (cell: Cell) => Promise<DeviceChoice | null>;
  /** Told what happens in the run of a cell. */
  readonly onEvent?: (cell: Cell, event: RunEvent) => void;
}

/**
 * Runs cells in processes of their own: each gives its memory back, and one that the system kills takes no other with it.
 * A process outlives a runner that is killed. Whoever resumes the comparison then waits for it instead of starting the run
 * a second time. What it says goes to `engine.log` in its run folder.
 *
 * @returns what runs one cell. It throws the engine's own DiscernError, or an error that names the log where the process
 *   ended without one.
 */
export function cellProcesses(options: CellProcessOptions): (cell: Cell, folder: string) => Promise<RunEnd> {
  return async (cell, folder) => {
    const { comparison, program, stop } = options;
    const reader = new EventReader(runPaths(folder).events);
    // What was shown when it happened.
    for await (const _ of reader.read());
    const tell = async (): Promise<void> => {
      for await (const event of reader.read()) options.onEvent?.(cell, event);
    };
    if (!(await leftAlone(folder, stop, tell))) return "stopped";
    if ((await cellState(options.plan, comparison, cell)) === "finished") return "finished";
    const choice = cell.recipe.device === "auto" ? await options.deviceChoice(cell) : null;
    if (stop.requested) return "stopped";
    const device = choice === null ? [] : ["--device-choice", JSON.stringify(choice)];
    const engine = await startEngine([...program, "run-cell", comparison, cell.name, ...device], folder);
    const ended = endOf(engine);
    let asked = false;
    let end: Awaited<typeof ended> | null = null;
    while (end === null) {
      if (stop.requested && !asked) {
        asked = true;
        void askToStop(engine, folder);
      }
      end = await Promise.race([ended, sleep(look).then(() => null)]);
      await tell();
    }
    if (end.error !== null) throw end.error;
    const { state } = timeline(readEvents(runPaths(folder).events));
    if (end.code === 0 && state === "finished") return "finished";
    if (end.code === 0 || asked) return "stopped";
    throw new Error(
      `The engine ended ${end.signal === null ? `with exit code ${end.code}` : `by ${end.signal}`}` +
        `${end.signal === "SIGKILL" ? ", as when the machine runs out of memory" : ""}. Log: ${runPaths(folder).engineLog}`,
    );
  };
}

/** Waits until nobody works in a run folder. @returns false where a stop was asked for meanwhile. */
async function leftAlone(folder: string, stop: StopToken, tell: () => Promise<void>): Promise<boolean> {
  let asked = false;
  for (;;) {
    const holder = await lockHolder(folder);
    if (holder === null) return !asked;
    if (stop.requested && !asked) {
      if (!(await isVisible(holder))) return false;
      asked = true;
      void stopRun(folder).catch(() => undefined);
    }
    await sleep(look);
    await tell();
  }
}

async function startEngine([file, ...args]: readonly string[], folder: string): Promise<ChildProcess> {
  let log: number;
  try {
    await makeFolders(folder);
    log = openSync(runPaths(folder).engineLog, "a");
  } catch (error) {
    throw writeFailure(error, folder);
  }
  // A group of its own: Ctrl-C in the terminal reaches the runner alone, which asks each engine once.
  const engine = spawn(file!, args, {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    windowsHide: true,
    env: { ...allocator, ...process.env },
  });
  closeSync(log);
  return engine;
}

interface EngineEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error: Error | null;
}

async function endOf(engine: ChildProcess): Promise<EngineEnd> {
  let error: Error | null = null;
  engine.on("message", (message) => {
    error = farewellError(message) ?? error;
  });
  engine.once("error", (cause) => {
    error = cause;
  });
  // Not "exit", which may come before the last message.
  const [code, signal] = (await once(engine, "close").catch(() => [null, null])) as [
    number | null,
    NodeJS.Signals | null,
  ];
  return { code, signal, error };
}

/** Asks an engine once; a second signal would end it before it has saved. */
async function askToStop(engine: ChildProcess, folder: string): Promise<void> {
  if ((await lockHolder(folder)) === null) engine.kill("SIGTERM");
  else await stopRun(folder).catch(() => engine.kill("SIGTERM"));
}
