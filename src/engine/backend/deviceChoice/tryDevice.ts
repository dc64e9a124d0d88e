import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Trial, type TrialRequest, trialSchema } from "./trial.ts";

/** A program and its arguments, which tries the device that a request behind them names. */
export type TrialProgram = readonly [program: string, ...args: string[]];

/** Characters kept of what the process prints on stderr. */
const longestSaid = 2_000;
/** Milliseconds that a device has to start and to be timed. */
const patience = 30_000;

/**
 * Tries a device in a process of its own, with the environment of this one. Whatever becomes of that process, there is an
 * answer.
 */
export function tryDevice(
  request: TrialRequest,
  [program, ...args]: TrialProgram = trialProgram(),
): Promise<Trial> {
  const child = spawn(program, [...args, JSON.stringify(request)], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    windowsHide: true,
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-longestSaid);
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, patience);
  const ended = (how: string): Trial => {
    const last = said.trim().split("\n").at(-1);
    const what = late
      ? `did not finish within ${patience / 1_000} s.`
      : `ended its process (${how})${last ? `: ${last}` : "."}`;
    return { problem: `The device "${request.device}" ${what}`, software: null, milliseconds: null };
  };
  return new Promise<Trial>((resolve) => {
    child.on("message", (message) => {
      const answer = trialSchema.safeParse(message);
      if (!answer.success) return;
      resolve(answer.data);
      // Some drivers hang when their process ends.
      child.kill();
    });
    child.on("error", ({ message }) => resolve(ended(message)));
    child.on("close", (code, signal) => resolve(ended(signal ?? `exit code ${code}`)));
  }).finally(() => clearTimeout(timer));
}

/** Beside the bundle, or the source when run from the sources. */
function trialProgram(): TrialProgram {
  const beside = join(import.meta.dirname, "deviceTrial.js");
  return [process.execPath, existsSync(beside) ? beside : join(import.meta.dirname, "trialProcess.ts")];
}
