/**
 * Starting the worker's processes: one by plain `python -m`, since an agent would be another process that imports PyTorch; several, on
 * this machine or on more, by an agent of torch.distributed.run on each machine. What ends them is in `worker/lifetime.py`.
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { TorchOptions } from "../../../protocol/backend.ts";
import { pythonEnvironment } from "../../python/probe.ts";
import { ownGroup, signalGroup } from "../../python/processGroup.ts";

/** Machines that compute together, as a recipe names them. */
export type Nodes = NonNullable<TorchOptions["nodes"]>;

/** Which processes are started on this machine. */
export interface ProcessPlan {
  readonly python: string;
  /** Processes on this machine. */
  readonly processes: number;
  /** All machines, where there are several, which one this is (the engine's own is 0), and how many seconds agents wait for each other. */
  readonly nodes?: (Nodes & { readonly rank: number; readonly seconds?: number | undefined }) | undefined;
  /** Threads of each process on the CPU; the cores are divided where left out. */
  readonly threads?: number | undefined;
}

export interface LaunchOptions extends ProcessPlan {
  readonly environment: Readonly<Record<string, string>>;
  /** Is told each line that the processes print. */
  readonly onLine: (line: string) => void;
}

/** How the first process ended, from which the others were started. */
export interface Ending {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Why it could not be started. */
  readonly problem: string | null;
}

/** Processes of a worker. */
export interface Launched {
  /** Resolves when they are gone. */
  readonly ended: Promise<Ending>;
  /** Ends them: asks first, and kills those that do not go. */
  kill(): void;
}

/** Milliseconds that processes have to end when they are asked to. */
const grace = 5_000;
/** Seconds that agents wait for those of other machines. */
export const meetingSeconds = 600;

/** The folder that the worker's package lies in: beside this file, or in the bundle's folder. */
export function packageRoot(): string {
  const beside = join(import.meta.dirname, "torch");
  return existsSync(beside) ? beside : import.meta.dirname;
}

/** The arguments of Python that start the processes of this machine. */
export function processArguments({ processes, nodes }: Pick<ProcessPlan, "processes" | "nodes">): string[] {
  if (processes === 1 && nodes === undefined) return ["-m", "worker"];
  const meeting =
    nodes === undefined
      ? ["--standalone", "--local-addr", "127.0.0.1"]
      : // Not the dynamic rendezvous, which may give rank 0 to another machine than the engine's.
        [
          ...["--rdzv-backend", "static", "--rdzv-endpoint", nodes.rendezvous, "--rdzv-id", nodes.id],
          ...["--rdzv-conf", `timeout=${nodes.seconds ?? meetingSeconds}`],
          ...["--nnodes", String(nodes.count), "--node-rank", String(nodes.rank)],
        ];
  const each = ["--nproc-per-node", String(processes), "--max-restarts", "0"];
  return ["-m", "worker.agent", ...meeting, ...each, "-m", "worker"];
}

/** Starts the processes of this machine. */
export function launchWorker(options: LaunchOptions): Launched {
  const { python, environment, onLine } = options;
  const args = processArguments(options);
  const child = execa(python, args, {
    ...ownGroup,
    // An agent ends when its stdin closes, so also when this process is killed.
    stdin: args.includes("worker.agent") ? "pipe" : "ignore",
    all: true,
    buffer: false,
    // Python looks for modules in the current folder first, which must be no workspace.
    cwd: packageRoot(),
    env: {
      ...pythonEnvironment,
      ...threadsOf(options),
      ...environment,
      ...(process.platform === "win32" && { USE_LIBUV: "0" }),
    },
  });
  const read = (async () => {
    for await (const line of child.iterable({ from: "all" })) onLine(String(line));
  })().catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const ended = (async () => {
    const { exitCode, signal, code, shortMessage } = await child;
    await read;
    clearTimeout(timer);
    const problem =
      code !== undefined && exitCode === undefined && signal === undefined ? shortMessage : null;
    return { exitCode: exitCode ?? null, signal: signal ?? null, problem: problem ?? null };
  })();
  return {
    ended,
    kill() {
      signalGroup(child.pid, "SIGTERM");
      // The ranks have sessions of their own; the system ends them with their agent.
      timer ??= setTimeout(() => signalGroup(child.pid, "SIGKILL"), grace);
    },
  };
}

/** Several processes on one CPU would each take all of its cores, or, started by torchrun, only one. */
function threadsOf({ processes, threads }: ProcessPlan): Record<string, string> {
  const each =
    threads ?? (processes > 1 ? Math.max(1, Math.floor(availableParallelism() / processes)) : undefined);
  return each === undefined ? {} : { OMP_NUM_THREADS: String(each) };
}
