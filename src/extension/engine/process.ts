import { existsSync } from "node:fs";
import { execa } from "execa";
import * as z from "zod";
import { askLiveness, connectEngine, type EngineClient, isCutOff } from "../../connection/client.ts";
import { runsEngine } from "../../protocol/nodeVersion.ts";
import type { Ping } from "../../protocol/rpc.ts";
import { EngineFailure } from "./failure.ts";

/** Lines kept of what an engine says. */
const keptLines = 40;
/** Milliseconds that an engine has to end by itself once it was asked to. */
const grace = 3_000;

/** How an engine is started. */
export interface EngineProgram {
  /** A Node.js, or the editor's own program, which is one when it is told to be. */
  readonly node: string;
  /** The engine's `cli.js`. */
  readonly cli: string;
  /** Environment variables beside those of this process, such as keys of judges. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The process without which the engine ends. */
  readonly parent: number;
  /** Milliseconds that the engine has to say where it listens. */
  readonly patience: number;
  /** Told every line the engine writes on stdout or stderr. */
  readonly onLine: (line: string) => void;
}

/** A workbench engine that answers. */
export interface EngineProcess {
  readonly pid: number;
  /** @throws as `EngineClient.call`; EngineFailure when the engine is gone before it has answered. */
  readonly call: EngineClient["call"];
  /** Asks how the engine's main thread does. @throws where nobody answers until `signal` is aborted. */
  ping(signal: AbortSignal): Promise<Ping>;
  /** Resolves once the process is gone: to the reason where nobody asked it to end, else to null. */
  readonly ended: Promise<EngineFailure | null>;
  /** Asks the engine to end, kills it where it does not, and resolves once it is gone. */
  stop(): Promise<void>;
}

/** What `serve` prints when it listens. */
const greetingSchema = z.object({ pid: z.int().positive(), pipe: z.string(), liveness: z.string() });

/**
 * Starts a workbench engine and connects to it. The engine ends with its parent, also when that is killed.
 *
 * @throws EngineFailure why it did not start, with what it said last.
 */
export async function startEngine(program: EngineProgram): Promise<EngineProcess> {
  await checkNode(program.node);
  if (!existsSync(program.cli)) throw new EngineFailure("engine-missing", program.cli);
  const child = execa(program.node, [program.cli, "serve", "--parent", String(program.parent)], {
    env: { ...program.environment, ELECTRON_RUN_AS_NODE: "1" },
    stdin: "ignore",
    buffer: false,
    reject: false,
    forceKillAfterDelay: grace,
  });
  const lines: string[] = [];
  const keep = (line: string) => {
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
    program.onLine(line);
  };
  let asked = false;
  const greeting = Promise.withResolvers<z.infer<typeof greetingSchema>>();
  const read = [
    readLines(child.stdout, (line) => {
      const found = greetingOf(line);
      if (found) greeting.resolve(found);
      else keep(line);
    }),
    readLines(child.stderr, keep),
  ];
  const ended = (async () => {
    const result = await child;
    // The last words may still be on their way when the process is gone.
    await Promise.all(read);
    if (asked) return null;
    const how = result.signal ?? result.exitCode?.toString() ?? result.shortMessage ?? "";
    return new EngineFailure("died", how, [...lines], { cause: result.cause });
  })();
  const stop = async () => {
    asked = true;
    child.kill();
    await ended;
  };
  const silence = setTimeout(
    () => greeting.reject(new EngineFailure("silent", program.cli, [...lines])),
    program.patience,
  );
  ended.then((failure) => failure && greeting.reject(failure));
  try {
    const { pid, pipe, liveness } = await greeting.promise;
    const client = await connectEngine(pipe);
    // An engine that cannot be spoken to is of no use.
    client.onClose(() => child.kill());
    return {
      pid,
      async call(...request) {
        try {
          return await client.call(...request);
        } catch (error) {
          if (!isCutOff(error)) throw error;
          throw (await ended) ?? new EngineFailure("stopped", "", [], { cause: error });
        }
      },
      ping: (signal) => askLiveness(liveness, "ping", signal),
      ended,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(silence);
  }
}

/** @throws EngineFailure when the program does not run the engine. */
async function checkNode(node: string): Promise<void> {
  // The editor's own version is known without starting anything.
  const version = node === process.execPath ? process.version : await versionOf(node);
  const runs = runsEngine(version);
  if (runs === null) throw new EngineFailure("not-node", node);
  if (!runs) throw new EngineFailure("node-too-old", version);
}

async function versionOf(node: string): Promise<string> {
  const { code, stdout } = await execa(node, ["--version"], {
    env: { ELECTRON_RUN_AS_NODE: "1" },
    reject: false,
    stdin: "ignore",
    timeout: 10_000,
  });
  if (code === "ENOENT" || code === "EACCES") throw new EngineFailure("node-missing", node);
  return stdout;
}

async function readLines(stream: AsyncIterable<Buffer>, onLine: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
      rest = lines.pop() ?? "";
      lines.forEach(onLine);
    }
  } catch {
    // A stream that was cut off has said what it had to say.
  }
  if (rest !== "") onLine(rest);
}

/** A native library may have begun the line with words of its own. */
function greetingOf(line: string): z.infer<typeof greetingSchema> | null {
  try {
    return greetingSchema.parse(JSON.parse(line.slice(line.lastIndexOf("{"))));
  } catch {
    return null;
  }
}
