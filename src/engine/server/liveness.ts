import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setInterval } from "node:timers";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { newPipeName, removePipe } from "../../connection/pipe.ts";
import { type StopToken, wishes } from "../run/stop.ts";

/** Milliseconds between two heartbeats of the main thread. */
const beatEvery = 200;

/** Milliseconds that the thread has to send its last answers. */
const farewell = 1_000;

/** A thread beside the engine's that answers while the engine computes, and takes a wish to stop. */
export interface Liveness {
  readonly pipe: string;
  /** Set by a client through the liveness pipe, or when the parent is gone. */
  readonly stop: StopToken;
  close(): Promise<void>;
}

/**
 * Starts the thread and waits until it listens.
 *
 * @param parent the process without which this engine has no purpose; null for one that stands alone.
 */
export async function startLiveness(parent: number | null): Promise<Liveness> {
  const pipe = await newPipeName();
  const flags = new SharedArrayBuffer(4);
  const beat = new SharedArrayBuffer(8);
  const turned = new Float64Array(beat);
  turned[0] = Date.now();
  const beating = setInterval(() => {
    turned[0] = Date.now();
  }, beatEvery);
  beating.unref();
  const worker = new Worker(workerFile(), { workerData: { pipe, flags, beat, parent } });
  await once(worker, "message");
  // A run is worth more than its answers to pings: it goes on without the thread.
  worker.on("error", () => undefined);
  // The worker must not keep alive an engine whose work is done.
  worker.unref();
  const requested = new Int32Array(flags);
  return {
    pipe,
    stop: {
      get requested() {
        return Atomics.load(requested, 0) !== wishes.none;
      },
      get keepBest() {
        return Atomics.load(requested, 0) === wishes.keepBest;
      },
    },
    async close() {
      clearInterval(beating);
      const ended = once(worker, "exit");
      worker.postMessage("close");
      await Promise.race([ended, sleep(farewell)]);
      await worker.terminate();
      await removePipe(pipe);
    },
  };
}

/** Beside the bundle, or the source when run from the sources. */
function workerFile(): string {
  const beside = join(import.meta.dirname, "livenessWorker.js");
  return existsSync(beside) ? beside : join(import.meta.dirname, "livenessWorker.ts");
}
