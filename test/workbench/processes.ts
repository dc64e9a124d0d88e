import { readdir, readFile } from "node:fs/promises";

/** The name of the environment variable that marks every process of one editor, however it was started. */
export const markName = "DISCERN_WORKBENCH_MARK";

/**
 * Ends every process that carries `mark`, first politely, after `patience` milliseconds by force. Descendants
 * inherit their environment, so this also finds the engines of runs, which leave their parent's process group on purpose.
 * Where there is no /proc, nobody is found.
 */
export async function endMarked(mark: string, patience: number): Promise<void> {
  await signal(mark, "SIGTERM");
  const end = performance.now() + patience;
  while ((await marked(mark)).length > 0) {
    if (performance.now() > end) await signal(mark, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function signal(mark: string, name: NodeJS.Signals): Promise<void> {
  for (const pid of await marked(mark)) {
    try {
      process.kill(pid, name);
    } catch {
      // It ended in the meantime.
    }
  }
}

/** Ids of the processes that carry `mark`; none where there is no /proc. */
export async function marked(mark: string): Promise<number[]> {
  const names = await readdir("/proc").catch((): string[] => []);
  const pids = names.filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      // An ended process, or another user's, cannot be read; one that waits to be collected has nothing to read.
      const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
      return environment.split("\0").includes(`${markName}=${mark}`);
    }),
  );
  return pids.filter((_, i) => found[i]).map(Number);
}

/** A process as `ps` would show it. */
export interface ShownProcess {
  readonly pid: number;
  /** Program and arguments, with spaces between them. */
  readonly command: string;
}

/** The processes that carry `mark` and still live, with what they were started as. */
export async function markedProcesses(mark: string): Promise<ShownProcess[]> {
  const shown = (await marked(mark)).map(async (pid) => {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return { pid, command: command.split("\0").join(" ").trim() };
  });
  return (await Promise.all(shown)).filter(({ command }) => command !== "");
}
