import { readdirSync, readFileSync } from "node:fs";
import { isAlive } from "../src/storage/processIdentity.ts";

/** Whether a process lives and is no zombie: those whose parent was killed may wait a while for init. */
export function isLiving(pid: number): boolean {
  if (process.platform !== "linux") return isAlive(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** Linux: the living processes, other than this one, that have something in their environment. */
export function livingWith(variable: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return isLiving(pid) && readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(variable);
      } catch {
        return false;
      }
    });
}
