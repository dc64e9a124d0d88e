import { fork } from "node:child_process";
import { join } from "node:path";
import type { Told, Work } from "./readersChild.ts";

/** A case in which a reader did what it must not. */
export interface Fault {
  readonly format: string;
  readonly case: number;
  readonly fault: string;
}

/** Seconds without an answer after which a child is taken to hang; processor time is measured by the child itself. */
const SILENCE = 60;

/**
 * Reads mutated files of a format in a process of its own, so that one that crashes or hangs is found and the rest goes
 * on behind it.
 */
export async function fuzz(format: string, from: number, to: number): Promise<Fault[]> {
  const faults: Fault[] = [];
  for (let next = from; next < to; ) {
    const end = await runChild({ format, from: next, to }, (fault) => faults.push({ format, ...fault }));
    next = end + 1;
  }
  return faults;
}

/** @returns the last case that the child began; the last of all when it did its work. */
function runChild(work: Work, onFault: (fault: { case: number; fault: string }) => void): Promise<number> {
  const child = fork(join(import.meta.dirname, "readersChild.ts"), {
    execArgv: ["--max-old-space-size=1024", "--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  child.stderr?.on("data", (text) => {
    said = `${said}${text}`.slice(-2000);
  });
  let current = work.from;
  let finished = false;
  let timer: NodeJS.Timeout;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      onFault({ case: current, fault: `no answer within ${SILENCE} s` });
      finished = true;
      child.kill("SIGKILL");
    }, SILENCE * 1000);
  };
  return new Promise((resolve) => {
    child.on("message", (told: Told) => {
      watch();
      if ("begins" in told) current = told.begins;
      else if ("fault" in told) onFault(told);
      else {
        finished = true;
        current = work.to;
        child.disconnect();
      }
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      if (!finished) onFault({ case: current, fault: `the process ended (${code ?? signal}): ${said}` });
      resolve(current);
    });
    watch();
    child.send(work);
  });
}
