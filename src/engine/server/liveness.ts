import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setInterval } from "node:timers";
import { Worker } from "node:worker_threads";
import type { StopToken } from "../run/stop.ts";
import { askLiveness } from "./client.ts";
import { newPipeName } from "./pipe.ts";

/** Milliseconds between two heartbeats of the main thread. */
const beatEvery = 200;

/** A thread beside the engine's that answers while the engine computes, and takes a wish to stop. */
export interface Liveness {
  readonly pipe: string;
  /** Set by a client through the liveness pipe, or when the parent is gone. */
  readonly stop: StopToken;
  close(): Promise<void>;
}

/** @param parent the process without which this engine has no purpose; null for one that stands alone. */
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
  const failed = new Promise<never>((_, reject) => worker.once("error", reject));
  await Promise.race([untilAnswers(pipe), failed]);
  // The worker must not keep alive an engine whose work is done.
  worker.unref();
  const requested = new Int32Array(flags);
  return {
    pipe,
    stop: {
      get requested() {
        return Atomics.load(requested, 0) === 1;
      },
    },
    async close() {
      clearInterval(beating);
      await worker.terminate();
      if (process.platform !== "win32") await rm(dirname(pipe), { recursive: true, force: true });
    },
  };
}

/** Beside the bundle, or the source when run from the sources. */
function workerFile(): string {
  const beside = join(import.meta.dirname, "liveness_worker.js");
  return existsSync(beside) ? beside : join(import.meta.dirname, "liveness_worker.ts");
}

async function untilAnswers(pipe: string): Promise<void> {
  for (;;) {
    try {
      await askLiveness(pipe, "ping");
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
