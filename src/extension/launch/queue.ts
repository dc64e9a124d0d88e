import { setTimeout as sleep } from "node:timers/promises";
import * as vscode from "vscode";
import { registerCommand } from "../contributions.ts";
import { DisposableStore } from "../disposableStore.ts";
import type { Engine } from "../engine/engine.ts";
import { wordError } from "../errors.ts";
import { logError } from "../log.ts";
import type { RunLibrary } from "../runs/library.ts";
import { type QueuedRun, QueueRunner } from "../runs/queue.ts";
import { isActive } from "../runs/summary.ts";
import { requireTrust } from "../trust.ts";
import { carryOut } from "./start.ts";

/** Milliseconds after which a run that was started and is not seen keeps others waiting no longer. */
const patience = 15_000;
const look = 100;

/** Starts the runs that wait, when no other is active any more, and lets people start or remove them. */
export function registerQueue(engine: Engine, library: RunLibrary): vscode.Disposable {
  const { queue } = library;
  const store = new DisposableStore();
  const runner = new QueueRunner(queue, {
    isBusy: () => library.runs.some(isActive),
    start: async (run) => {
      const folder = await carryOut(engine, library, run);
      const isSeen = () => {
        const seen = library.run(folder);
        return seen !== undefined && (run.work.kind === "start" || isActive(seen));
      };
      for (const end = Date.now() + patience; !isSeen() && Date.now() < end; ) await sleep(look);
    },
    failed: ({ name }, error) => {
      logError(error);
      void vscode.window.showErrorMessage(`${name} could not be started from the queue: ${wordError(error)}`);
    },
  });
  // A restricted workspace starts nothing.
  const next = () => {
    if (vscode.workspace.isTrusted) void runner.look();
  };
  store.add(library.onDidChange(next));
  store.add(queue.onDidChange(next));
  store.add(
    registerCommand("discern.runs.startQueued", async ({ queued }: { queued: QueuedRun }) => {
      requireTrust();
      if (queue.remove(queued)) await carryOut(engine, library, queued);
    }),
  );
  store.add(
    registerCommand("discern.runs.removeQueued", ({ queued }: { queued: QueuedRun }) => queue.remove(queued)),
  );
  if (queue.waiting.length > 0) void library.refresh().then(() => askToContinue(library, runner));
  return store;
}

/** Asks what is to be done with the queue of an earlier session: nobody expects training to start because a window was opened. */
async function askToContinue({ queue, runs }: RunLibrary, runner: QueueRunner): Promise<void> {
  const { waiting } = queue;
  if (waiting.length === 0 || runs.some(isActive) || !vscode.workspace.isTrusted) return;
  const start = "Start";
  const remove = "Remove from Queue";
  const names = new Intl.ListFormat("en").format(waiting.map(({ name }) => name));
  const chosen = await vscode.window.showInformationMessage(
    `${names} ${waiting.length === 1 ? "was" : "were"} waiting when this window was closed.`,
    start,
    remove,
  );
  if (chosen === start) await runner.release();
  if (chosen === remove) for (const run of waiting) queue.remove(run);
}
