import { spawnSync } from "node:child_process";

/** Options of execa for a process that is the first of a group of its own, with the processes that it will start. */
export const ownGroup = {
  // A group of its own also hears no Ctrl+C: stopping is finishing, and what is to end is ended by the engine.
  detached: process.platform !== "win32",
  stdin: "ignore",
  reject: false,
  windowsHide: true,
} as const;

/**
 * Sends a signal to a process and those that it has started, where they still live: shells and shims (pyenv, conda) start the
 * program itself as another process.
 */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  if (process.platform === "win32") {
    spawnSync("taskkill", ["/pid", String(pid), "/T", "/F"], { stdio: "ignore", windowsHide: true });
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch {
    // All of them have ended.
  }
}
