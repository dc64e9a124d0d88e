import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import * as z from "zod";
import type { BackendName } from "../../src/protocol/backend.ts";
import type { DeviceName } from "../../src/protocol/device.ts";
import type { Peer } from "./peers.ts";

const answerSchema = z.union([
  z.object({ error: z.string() }),
  z.object({
    seconds: z.number(),
    /** The largest resident size of the process so far, loading included; 0 where another process computes. */
    peakBytes: z.number(),
    result: z.unknown().optional(),
    /** Of PyTorch and its libraries, in the answer to `prepare`. */
    versions: z.string().optional(),
  }),
]);
export type Answer = Exclude<z.infer<typeof answerSchema>, { error: string }>;

/** What a side can be asked: see peer/peer.py, which ours.ts answers alike. */
export type Request =
  | {
      do: "prepare";
      task: string;
      threads: number;
      device: DeviceName;
      /** Of Discern's side; onnx where left out. */
      backend?: BackendName;
      /** How PyTorch is run. */
      variant?: Peer["variant"];
      input: Record<string, unknown>;
    }
  | { do: "run" }
  | { do: "close" };

/**
 * One side of a comparison: a child process that does one task and says how long it took. A fresh process a task, so
 * that its peak memory is the task's own.
 */
export class Side {
  readonly name: string;
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: Interface;
  private readonly ended: Promise<number | null>;
  private log = "";

  /** @param env the environment it is born with; this process's where left out. */
  constructor(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.name = name;
    this.child = spawn(command, args, { env });
    // A request to a process that has died is answered by `ended`.
    this.child.stdin.on("error", () => {});
    this.child.stderr.on("data", (text: Buffer) => {
      this.log = (this.log + text).slice(-4000);
    });
    this.lines = createInterface({ input: this.child.stdout });
    this.ended = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("close", resolve);
    });
    this.ended.catch(() => {});
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Ends the process at once; what it was asked fails. */
  kill(): void {
    this.child.kill("SIGKILL");
  }

  /** @throws Error with what the process wrote, when it fails or dies. */
  async ask(request: Request): Promise<Answer> {
    const line = new Promise<string>((resolve) => this.lines.once("line", resolve));
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const died = this.ended.then((code): never => {
      throw new Error(`${this.name} ended with ${code} at ${request.do}:\n${this.log}`);
    });
    died.catch(() => {});
    const answer = answerSchema.parse(JSON.parse(await Promise.race([line, died])));
    if ("error" in answer)
      throw new Error(`${this.name} failed at ${request.do}: ${answer.error}\n${this.log}`);
    return answer;
  }

  /** Ends the process and waits until it is gone, so that it takes nothing from what is measured next. */
  async close(): Promise<void> {
    this.child.stdin.end(`${JSON.stringify({ do: "close" })}\n`);
    await this.ended.catch(() => null);
  }
}
