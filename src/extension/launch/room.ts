import { constants } from "node:fs";
import { access, lstat, stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { availableMemory } from "../../recipe/availableMemory.ts";
import type { Cost } from "../../recipe/cost.ts";
import { byteSize } from "../../wording/numbers.ts";
import type { Finding } from "./finding.ts";

/** What a run finds on this machine. */
export interface Room {
  /** Bytes of memory that can be had, and all there are. */
  readonly memory: { readonly free: number; readonly total: number };
  /** Bytes free where the run folder will be; null where that cannot be known. */
  readonly disk: number | null;
  /** The folder or file in which the run folder cannot be made; null where it can. */
  readonly unwritable: string | null;
}

/** Looks at memory, disk and permissions. @param folder in which run folders are made; it need not exist. */
export async function findRoom(folder: string): Promise<Room> {
  const there = await nearest(resolve(folder));
  const isFolder = await stat(there).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const writable =
    isFolder &&
    (await access(there, constants.W_OK).then(
      () => true,
      () => false,
    ));
  const disk = await statfs(there).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => null,
  );
  const { bytes: free, total } = await availableMemory();
  return { memory: { free, total }, disk, unwritable: writable ? null : there };
}

/** The path itself, or the closest above it where there is anything, be it a link that leads nowhere. */
async function nearest(path: string): Promise<string> {
  const exists = await lstat(path).then(
    () => true,
    () => false,
  );
  return exists || dirname(path) === path ? path : nearest(dirname(path));
}

/** Whether what costs so much has room on the disk. That is an estimate, so it forbids nothing. */
export function checkRoom({ disk, unwritable }: Room, cost: Pick<Cost, "diskBytes"> | null): Finding[] {
  const findings: Finding[] = [];
  if (unwritable !== null) {
    findings.push({
      severity: "fault",
      message: `Run folders cannot be created in ${unwritable}. Fix its permissions, or choose another folder in the setting "discern.runs.folder".`,
    });
  }
  if (cost === null) return findings;
  if (disk !== null && cost.diskBytes > disk) {
    findings.push({
      severity: "danger",
      message: `The run folder needs about ${byteSize(cost.diskBytes)}; ${byteSize(disk)} is free on its disk. Fewer checkpoints, and fewer snapshots (states), need less.`,
      remedy: { kind: "recipe" },
    });
  }
  return findings;
}
