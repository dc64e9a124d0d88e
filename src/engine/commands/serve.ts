import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { MessageConnection } from "vscode-jsonrpc";
import { clearPipe, listen, newPipeName, removePipe } from "../../connection/pipe.ts";
import type { RunState } from "../../protocol/timeline.ts";
import { isComparison } from "../../runFolder/comparison.ts";
import { isRun } from "../../runFolder/folder.ts";
import { stopRun } from "../abilities/stop.ts";
import { Stop, stopOnSignals } from "../run/stop.ts";
import { answer, newQueue } from "../server/answer.ts";
import { startLiveness } from "../server/liveness.ts";
import { positiveInteger, type Shell, say, show } from "./shell.ts";
import { workbenchHandlers } from "./workbench.ts";

/** Milliseconds between two looks whether to end. */
const look = 100;
/** Milliseconds that an engine without clients waits for one to come back, as a window does that is reloaded. */
const patience = 10_000;

export function addServe(program: Command): void {
  program
    .command("serve")
    .description(
      "answer JSON-RPC over a local pipe, whose name is printed; ends with its parent or its last client",
    )
    .option(
      "--pipe <name>",
      "path of a socket, or name of a Windows pipe, to listen on; a new one where left out",
    )
    .option("--parent <pid>", "end when this process is gone", positiveInteger)
    .action(async (flags: { pipe?: string; parent?: number }) => {
      if (flags.pipe !== undefined) await clearPipe(flags.pipe);
      const liveness = await startLiveness(flags.parent ?? null);
      const stop = new Stop();
      const release = stopOnSignals(() => stop.request());
      const clients = new Set<MessageConnection>();
      const queue = newQueue();
      let left: number | null = null;
      const pipe = flags.pipe ?? (await newPipeName());
      const handlers = workbenchHandlers([process.execPath, process.argv[1]!]);
      const server = await listen(pipe, (connection) => {
        clients.add(connection);
        left = null;
        connection.onClose(() => {
          clients.delete(connection);
          if (clients.size === 0) left = performance.now();
        });
        answer(connection, handlers, queue);
      });
      process.stdout.write(`${JSON.stringify({ pid: process.pid, pipe, liveness: liveness.pipe })}\n`);
      const alone = () => left !== null && performance.now() - left > patience;
      while (!stop.requested && !liveness.stop.requested && !alone()) await sleep(look);
      for (const client of clients) client.end();
      server.close();
      if (flags.pipe === undefined) await removePipe(pipe);
      await liveness.close();
      release();
      // Whatever is still being computed was asked for by nobody that is left.
      process.exit(0);
    });
}

/** What is said of a run that was asked to stop, by what became of it. */
const endings: Readonly<Record<RunState, (run: string) => string>> = {
  stopped: (run) => `Stopped and saved. Resume with: discern run --resume --out ${run}`,
  finished: (run) => `It finished before it could be stopped. See: discern watch ${run}`,
  failed: (run) => `It failed before it could be stopped. See: discern watch ${run}`,
  running: (run) => `It ended before it could save. Resume with: discern run --resume --out ${run}`,
};

export function addStop(program: Command): void {
  program
    .command("stop")
    .argument("<run>", "folder of a run or of a comparison")
    .description("save a run or a comparison after its current step or batch and end it; it can be resumed")
    .option("--keep-best", "end the stage at its best state, leave out later stages, and evaluate", false)
    .option("--json", "one JSON document on stdout", false)
    .action(async (run: string, { keepBest, ...flags }: Shell & { keepBest: boolean }) => {
      const onAsked = () => say("Waiting for the step or batch to be finished and saved …");
      const stopped = await stopRun(run, { keepBest, onAsked });
      const begun = (await isRun(run)) || (await isComparison(run));
      show(flags, stopped, () =>
        keepBest
          ? `It keeps its best state and is evaluated. See: discern watch ${run}`
          : begun
            ? endings[stopped.state](run)
            : "It was stopped while data and model were read, before the run began.",
      );
    });
}
