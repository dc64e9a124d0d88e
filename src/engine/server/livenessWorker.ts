import { setInterval } from "node:timers";
import { parentPort, workerData } from "node:worker_threads";
import type { MessageConnection } from "vscode-jsonrpc";
import * as z from "zod";
import { listen } from "../../connection/pipe.ts";
import { isAlive } from "../../storage/processIdentity.ts";
import { wishes } from "../run/stop.ts";

/** Milliseconds between two looks at the parent. */
const look = 500;
/** Milliseconds that an engine whose parent is gone has to end by itself. */
const grace = 10_000;

const { pipe, flags, beat, parent } = z
  .object({
    pipe: z.string(),
    flags: z.instanceof(SharedArrayBuffer),
    beat: z.instanceof(SharedArrayBuffer),
    parent: z.int().nullable(),
  })
  .parse(workerData);
const stop = new Int32Array(flags);
const turned = new Float64Array(beat);

const state = () => ({
  pid: process.pid,
  quiet: Date.now() - turned[0]!,
  stopping: Atomics.load(stop, 0) !== wishes.none,
  keepBest: Atomics.load(stop, 0) === wishes.keepBest,
});

const clients = new Set<MessageConnection>();
const server = await listen(pipe, (connection) => {
  clients.add(connection);
  connection.onClose(() => clients.delete(connection));
  connection.onRequest("ping", state);
  for (const wish of ["stop", "keepBest"] as const) {
    connection.onRequest(wish, () => {
      Atomics.store(stop, 0, wishes[wish]);
      return state();
    });
  }
});
parentPort?.postMessage("listening");

let watch: NodeJS.Timeout | undefined;
// The engine is through. Answers that are on their way arrive first: an engine may end faster than its answer to "stop".
parentPort?.once("message", () => {
  clearInterval(watch);
  for (const client of clients) client.end();
  server.close();
});

if (parent !== null) {
  watch = setInterval(() => {
    if (isAlive(parent)) return;
    clearInterval(watch);
    Atomics.store(stop, 0, wishes.stop);
    // Native code that does not come back must not outlive the window it works for.
    setTimeout(() => process.kill(process.pid, "SIGKILL"), grace);
  }, look);
}
