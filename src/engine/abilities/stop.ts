import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { askLiveness } from "../../connection/client.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { type RunState, timeline } from "../../protocol/timeline.ts";
import { cellProgress, isComparison, readCellEvents } from "../../runFolder/comparison.ts";
import { readEvents } from "../../runFolder/eventLog.ts";
import { readEngine, runPaths } from "../../runFolder/folder.ts";
import { lockHolder } from "../../runFolder/lock.ts";
import { isVisible } from "../../storage/processIdentity.ts";

/** Milliseconds between two looks whether the run has stopped. */
const look = 100;

/**
 * Asks the engine of a run, or the runner of a comparison, to finish its step, save and end, and waits until it has. With
 * `keepBest` the run is still evaluated, which takes minutes: that is not waited for.
 *
 * @param onAsked is told when there is somebody to wait for.
 * @returns what became of the run: it may have finished or failed before it could be stopped.
 * @throws DiscernError `run-invalid` when nobody works in the folder; `run-busy` when somebody does on another machine
 *   or in another container.
 */
export async function stopRun(
  folder: string,
  { keepBest = false, onAsked }: { keepBest?: boolean; onAsked?: () => void } = {},
): Promise<{ folder: string; pid: number; state: RunState }> {
  const holder = await lockHolder(folder);
  if (holder === null) {
    throw new DiscernError("run-invalid", `Nobody works in ${folder}: there is no run to stop.`);
  }
  if (!(await isVisible(holder))) {
    throw new DiscernError(
      "run-busy",
      `The run in ${folder} is worked on by process ${holder.pid} of ${holder.host}. Stop it there.`,
    );
  }
  const comparison = await isComparison(folder);
  if (comparison && keepBest) {
    throw new DiscernError(
      "request-invalid",
      `${folder} is a comparison, which has no state to keep. Give the folder of one of its runs.`,
    );
  }
  const engine = await readEngine(folder);
  const asked =
    engine !== null &&
    (await askLiveness(engine.liveness, keepBest ? "keepBest" : "stop").catch(() => null)) !== null;
  if (keepBest) {
    if (asked) return { folder: resolve(folder), pid: holder.pid, state: "running" };
    throw new DiscernError(
      "run-busy",
      `The engine of ${folder} does not answer, so it cannot be told to keep the best. Stop it without that wish.`,
    );
  }
  onAsked?.();
  const works = async () => (await lockHolder(folder))?.token === holder.token;
  if (!asked && (await works())) terminate(holder.pid);
  while (await works()) await sleep(look);
  const { state } = comparison
    ? cellProgress(await readCellEvents(folder))
    : timeline(readEvents(runPaths(folder).events));
  return { folder: resolve(folder), pid: holder.pid, state: state ?? "running" };
}

/** Sends SIGTERM to a process, which may have ended by itself since it was looked at. */
function terminate(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
