import { endingFailure } from "./failure.ts";
import { launchWorker, type Nodes } from "./launch.ts";

/** How a machine takes part in the work of an engine on another one. */
export interface JoinOptions {
  readonly python: string;
  readonly nodes: Nodes;
  /** Which machine this is, from 1. */
  readonly rank: number;
  /** Processes on this machine. */
  readonly processes: number;
  readonly threads?: number | undefined;
  /** Seconds that agents wait for each other. */
  readonly seconds?: number | undefined;
  /** Is told each line that the processes print. */
  readonly onLine: (line: string) => void;
}

/**
 * Runs the processes of this machine until the engine's work is over.
 *
 * @throws DiscernError("worker-failed") with what they said last, where they end otherwise; "python-unusable", "out-of-memory".
 */
export async function joinWorker({
  python,
  nodes,
  rank,
  processes,
  threads,
  seconds,
  onLine,
}: JoinOptions): Promise<void> {
  const lines: string[] = [];
  const launched = launchWorker({
    python,
    processes,
    threads,
    nodes: { ...nodes, rank, seconds },
    environment: {},
    onLine(line) {
      lines.push(line);
      if (lines.length > 40) lines.shift();
      onLine(line);
    },
  });
  const ending = await launched.ended;
  if (ending.exitCode === 0) return;
  throw endingFailure({ python, processes, nodes }, "on this machine", ending, lines);
}
