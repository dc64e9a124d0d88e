import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const everyMs = 100;

/**
 * Watches memory while something is measured: of the card as nvidia-smi tells it, which sees every library alike, and of a
 * process with its children as Linux tells it. Where neither can be had the answer is null.
 */
export class Meter {
  private readonly smi: ChildProcess;
  private readonly timer: NodeJS.Timeout;
  private before: number | null = null;
  private card: number | null = null;
  private host: number | null = null;
  private pid: number | undefined;

  constructor() {
    const args = [
      "--query-gpu=memory.used",
      "--format=csv,noheader,nounits",
      `-lms`,
      String(everyMs),
      "-i",
      "0",
    ];
    this.smi = spawn("nvidia-smi", args, { stdio: ["ignore", "pipe", "ignore"] });
    // A machine without the command has no figures of the card.
    this.smi.on("error", () => {});
    createInterface({ input: this.smi.stdout! }).on("line", (line) => {
      const bytes = Number(line) * 2 ** 20;
      if (!Number.isFinite(bytes)) return;
      this.before ??= bytes;
      this.card = Math.max(this.card ?? 0, bytes);
    });
    this.timer = setInterval(() => {
      if (this.pid === undefined) return;
      const bytes = ownMemory(this.pid);
      if (bytes !== null) this.host = Math.max(this.host ?? 0, bytes);
    }, everyMs);
  }

  /** Begins anew: peaks from now on, and of this process and its children. */
  restart(pid: number | undefined): void {
    this.pid = pid;
    this.card = this.before === null ? null : 0;
    this.host = null;
  }

  /** Peaks since `restart`; of the card less what was in use before anything was measured. */
  read(): { deviceBytes: number | null; hostBytes: number | null } {
    const card = this.card === null || this.before === null ? null : Math.max(0, this.card - this.before);
    return { deviceBytes: card, hostBytes: this.host };
  }

  stop(): void {
    clearInterval(this.timer);
    this.smi.kill();
  }
}

/**
 * Anonymous memory of a process and all its children, in bytes: files that are mapped, such as weights, are the system's
 * cache and can be dropped. Null off Linux, and when the process has ended.
 */
function ownMemory(pid: number): number | null {
  try {
    const parents = new Map<number, number>();
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        // The command's name, in brackets, may hold anything.
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
      } catch {
        // It ended meanwhile.
      }
    }
    const isOurs = (one: number | undefined): boolean =>
      one !== undefined && one > 1 && (one === pid || isOurs(parents.get(one)));
    let bytes = 0;
    for (const one of parents.keys()) {
      if (!isOurs(one)) continue;
      try {
        const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${one}/status`, "utf8"))?.[1];
        bytes += Number(kilobytes ?? 0) * 1024;
      } catch {
        // It ended meanwhile.
      }
    }
    return bytes || null;
  } catch {
    return null;
  }
}
