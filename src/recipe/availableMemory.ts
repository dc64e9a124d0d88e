import { readFile } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";

/** Memory that a process that starts now can have. */
export interface AvailableMemory {
  readonly bytes: number;
  /** All there is: of the machine, or what a container may take. */
  readonly total: number;
  /** What sets the limit. */
  readonly limit: "machine" | "container";
}

/** macOS counts its file cache as used, so what is free says little there; most of all memory can be had. */
const shareOnMac = 0.7;

/**
 * What can be had of this machine's memory, or of the container's (cgroup v1 and v2) where that is less. Caches of files
 * count as available: the system gives them up.
 *
 * @param root where /proc and /sys are looked for, for tests.
 */
export async function availableMemory(root = "/", platform = process.platform): Promise<AvailableMemory> {
  const total = totalmem();
  if (platform === "darwin") return { bytes: total * shareOnMac, total, limit: "machine" };
  if (platform !== "linux") return { bytes: freemem(), total, limit: "machine" };
  const machine = { ...(await ofMachine(root)), limit: "machine" as const };
  const limits = await containerLimits(root);
  return limits.reduce<AvailableMemory>(
    (least, each) => (each.bytes < least.bytes ? { ...each, limit: "container" } : least),
    machine,
  );
}

async function ofMachine(root: string): Promise<{ bytes: number; total: number }> {
  const text = await readText(join(root, "proc/meminfo"));
  const kilobytes = (key: string) =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN);
  const [available, total] = [kilobytes("MemAvailable") * 1024, kilobytes("MemTotal") * 1024];
  return {
    bytes: Number.isNaN(available) ? freemem() : available,
    total: Number.isNaN(total) ? totalmem() : total,
  };
}

/** What the groups of this process leave, each with its ancestors, whose limits hold as well. */
async function containerLimits(root: string): Promise<{ bytes: number; total: number }[]> {
  const found: { bytes: number; total: number }[] = [];
  for (const line of (await readText(join(root, "proc/self/cgroup"))).split("\n")) {
    const [, controllers, path] = line.split(":");
    if (path === undefined) continue;
    const v2 = controllers === "";
    if (!v2 && !controllers?.split(",").includes("memory")) continue;
    const top = join(root, v2 ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
    // Inside a container the path may be that of the host; the container's own limit is then at the top.
    for (let folder = join(top, path); ; folder = dirname(folder)) {
      const limit = await limitOf(folder, v2);
      if (limit) found.push(limit);
      if (folder.length <= top.length) break;
    }
  }
  return found;
}

async function limitOf(folder: string, v2: boolean): Promise<{ bytes: number; total: number } | null> {
  const [limit, usage, cache] = v2
    ? ["memory.max", "memory.current", "inactive_file"]
    : ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"];
  const total = Number.parseInt(await readText(join(folder, limit!)), 10);
  const used = Number.parseInt(await readText(join(folder, usage!)), 10);
  // "max", or the largest number there is: no limit.
  if (!Number.isFinite(total) || !Number.isFinite(used) || total > 2 ** 60) return null;
  const stat = await readText(join(folder, "memory.stat"));
  const reclaimable = Number(new RegExp(`^${cache} (\\d+)`, "m").exec(stat)?.[1] ?? 0);
  return { bytes: Math.max(0, total - used + reclaimable), total };
}

const readText = (path: string) => readFile(path, "utf8").catch(() => "");
