import { execFile } from "node:child_process";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { LRUCache } from "lru-cache";
import * as z from "zod";

/** What tells a process from every other, now and later, on this machine and on others. */
export const processIdentitySchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** Id of the system's installation, since two machines may have one name; null where there is none. */
  machine: z.string().nullable().default(null),
  /** Linux: the namespace in which `pid` counts. Containers that share their host's name count for themselves. */
  namespace: z.string().nullable().default(null),
  /** When the process began, as the system says it; a later process with the same id has another. Null where unknown. */
  birth: z.string().nullable().default(null),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** Whether a process with this id lives on this machine. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

let own: Promise<ProcessIdentity> | undefined;

/** The identity of this process. */
export function ownIdentity(): Promise<ProcessIdentity> {
  own ??= (async () => ({
    pid: process.pid,
    ...(await place()),
    birth: (await look(process.pid))?.birth ?? null,
  }))();
  return own;
}

/** Whether this process can see the other one: only then can it say that the other is gone, or send it a signal. */
export async function isVisible(other: ProcessIdentity): Promise<boolean> {
  const here = await place();
  const agree = (a: string | null, b: string | null) => a === null || b === null || a === b;
  return (
    other.host === here.host && agree(other.machine, here.machine) && agree(other.namespace, here.namespace)
  );
}

/**
 * Whether a process has certainly ended. One that cannot be seen from here counts as alive, and so does one that is
 * halted; a zombie and a later process with the same id do not.
 */
export async function isGone(other: ProcessIdentity): Promise<boolean> {
  if (!(await isVisible(other))) return false;
  if (!isAlive(other.pid)) return true;
  const found = await look(other.pid, other.birth);
  if (found === null) return false;
  return found.zombie || (other.birth !== null && found.birth !== other.birth);
}

let known: Promise<Pick<ProcessIdentity, "host" | "machine" | "namespace">> | undefined;

function place(): NonNullable<typeof known> {
  known ??= (async () => ({
    host: hostname(),
    machine: await readFile("/etc/machine-id", "utf8").then(
      (text) => text.trim() || null,
      () => null,
    ),
    namespace: await readlink("/proc/self/ns/pid").catch(() => null),
  }))();
  return known;
}

interface Found {
  readonly birth: string;
  readonly zombie: boolean;
}

/** Answers of a program, used again for two seconds: a lock is looked at many times a second. */
const seen = new LRUCache<number, Found>({ max: 100, ttl: 2_000 });

/**
 * What the system knows of a process of this id; null where it does not tell.
 *
 * @param expected birth of the process that is looked for: only the answer that it still lives is used again, for a new
 *   process with its id could have come since.
 */
async function look(pid: number, expected: string | null = null): Promise<Found | null> {
  if (process.platform === "linux") return lookInProc(pid).catch(() => null);
  const before = seen.get(pid);
  if (before?.birth === expected) return before;
  const found = await (process.platform === "win32" ? askPowerShell(pid) : askPs(pid)).catch(() => null);
  if (found !== null) seen.set(pid, found);
  return found;
}

/** proc(5): behind the name, which may hold anything, field 3 is the state and field 22 the start in ticks since boot. */
async function lookInProc(pid: number): Promise<Found> {
  const [stat, boot] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8"),
    readFile("/proc/sys/kernel/random/boot_id", "utf8"),
  ]);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { birth: `${boot.trim()} ${fields[19]}`, zombie: fields[0] === "Z" || fields[0] === "X" };
}

const run = promisify(execFile);

async function askPs(pid: number): Promise<Found | null> {
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  const { stdout } = await run("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { env, timeout: 5_000 });
  const [, state, birth] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout) ?? [];
  return state === undefined || birth === undefined ? null : { birth, zombie: state.startsWith("Z") };
}

async function askPowerShell(pid: number): Promise<Found | null> {
  const script = `(Get-Process -Id ${pid}).StartTime.ToFileTimeUtc()`;
  const options = { timeout: 10_000, windowsHide: true };
  const { stdout } = await run(
    "powershell.exe",
    ["-NoProfile", "-NonInteractive", "-Command", script],
    options,
  );
  return /^\d+\s*$/.test(stdout) ? { birth: stdout.trim(), zombie: false } : null;
}
