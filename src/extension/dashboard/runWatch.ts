import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { ShownEvent, ShownProgress } from "../../protocol/webview/dashboard.ts";
import { EventReader } from "../../runFolder/eventLog.ts";
import { runPaths } from "../../runFolder/folder.ts";
import { isActive, RunReader, type RunSummary, type Stopping } from "../runs/summary.ts";
import { shownEvent } from "./shownEvents.ts";

/** Milliseconds between two looks at a log, and so between two messages about it at the most. */
const pollMs = 150;
/** Events of one message: a long log travels in pieces, so that the page draws its beginning while the rest is read. */
const batchSize = 2000;

/** What is told of a run at once. */
interface Batch {
  /** Whether the story of the run begins anew with this. */
  readonly reset: boolean;
  readonly events: readonly ShownEvent[];
  readonly progress: ShownProgress;
}

/**
 * Tells of a run's log, all of it and then what comes, until `signal` is aborted. Nothing of it is kept: whoever wants
 * to see it again watches anew.
 *
 * @param folder the run folder; it may be empty yet, and may be deleted at any time.
 * @param stopping the stop that was asked for and has not come yet.
 */
export async function watchRun(
  folder: string,
  tell: (batch: Batch) => void,
  signal: AbortSignal,
  stopping: () => Stopping | null = () => null,
): Promise<void> {
  const begin = () => ({ run: new RunReader(folder), log: new EventReader(runPaths(folder).events) });
  let readers = begin();
  let reset = true;
  let known = false;
  let told = "";
  while (!signal.aborted) {
    const summary = await readers.run.read();
    const progress = summary
      ? progressOf(summary, stopping())
      : nothing(!known && existsSync(folder) ? "starting" : "gone");
    let events: ShownEvent[] = [];
    const flush = () => {
      if (!signal.aborted) tell({ reset, events, progress });
      told = JSON.stringify(progress);
      // A folder that is deleted and comes back holds another run.
      reset = summary === null;
      events = [];
    };
    if (summary) {
      known = true;
      for await (const event of readers.log.read()) {
        const shown = shownEvent(event);
        if (shown) events.push(shown);
        if (events.length === batchSize) flush();
      }
    } else readers = begin();
    if (events.length > 0 || JSON.stringify(progress) !== told) flush();
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

function progressOf(summary: RunSummary, stopping: Stopping | null): ShownProgress {
  return {
    state: summary.state,
    step: summary.step,
    totalSteps: summary.totalSteps,
    etaSeconds: summary.etaSeconds,
    activity: summary.activity ?? null,
    problem: summary.problem ?? null,
    hasReport: summary.report !== null,
    stopping: isActive(summary) && stopping ? { keepBest: stopping.keepBest, words: stopping.long } : null,
  };
}

function nothing(state: "starting" | "gone"): ShownProgress {
  return {
    state,
    step: 0,
    totalSteps: null,
    etaSeconds: null,
    activity: null,
    problem: null,
    hasReport: false,
    stopping: null,
  };
}
