import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { LockOwner } from "../src/storage/lock.ts";

/** Writes the lock of a run folder as a process leaves it. @param own what a test says of its owner */
export function writeLock(folder: string, own: Partial<LockOwner> = {}): void {
  mkdirSync(join(folder, "lock"), { recursive: true });
  const owner = {
    pid: process.pid,
    host: hostname(),
    started: "2026-01-01T00:00:00Z",
    token: "0123456789abcdef",
  };
  writeFileSync(join(folder, "lock/owner.json"), JSON.stringify({ ...owner, ...own }));
}

/** Takes the lock of a run folder away. */
export function removeLock(folder: string): void {
  rmSync(join(folder, "lock"), { recursive: true });
}
