import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa, type ResultPromise } from "execa";
import { pythonEnvironment } from "../../python/probe.ts";

/** The Python that runs the worker, and what it finds in its environment. */
export interface LaunchOptions {
  readonly python: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Is told each line that the worker prints. */
  readonly onLine: (line: string) => void;
}

/** A worker's process. */
export interface Launched {
  /** Resolves when the process is gone, with how it ended. */
  readonly ended: Promise<string>;
  kill(): void;
}

/** The folder that the worker's package lies in: beside this file, or in the bundle's folder. */
function packageRoot(): string {
  const beside = join(import.meta.dirname, "torch");
  return existsSync(beside) ? beside : import.meta.dirname;
}

/** The worker's package before what clusters make known. */
function pythonPath(): string {
  return [packageRoot(), process.env.PYTHONPATH].filter(Boolean).join(delimiter);
}

/** Starts the worker's process: one, by plain `python -m`. */
export function launchWorker({ python, environment, onLine }: LaunchOptions): Launched {
  const child: ResultPromise = execa(python, ["-m", "worker"], {
    env: { ...pythonEnvironment, ...environment, PYTHONPATH: pythonPath() },
    stdin: "ignore",
    all: true,
    buffer: false,
    reject: false,
    forceKillAfterDelay: 5000,
  });
  const read = (async () => {
    for await (const line of child.iterable({ from: "all" })) onLine(String(line));
  })();
  const ended = (async () => {
    const result = await child;
    await read.catch(() => undefined);
    return result.shortMessage ?? `exit code ${result.exitCode ?? 0}`;
  })();
  return { ended, kill: () => void child.kill() };
}
