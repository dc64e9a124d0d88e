import { startDetached } from "../abilities/detach.ts";
import { anyStop, Stop, stopOnSignals } from "../run/stop.ts";
import { openRunEngine, type RunEngine } from "../server/runEngine.ts";
import { type Shell, say, show } from "./shell.ts";

interface DetachFlags extends Shell {
  readonly set: readonly string[];
  readonly stlAlone?: boolean;
  readonly resume?: boolean;
}

/** Discern's command line as this process was started by it. */
export function program(): [string, string] {
  return [process.execPath, process.argv[1]!];
}

/** Starts the same command in a process of its own, and says where it works. */
export async function detach(
  command: "run" | "benchmark",
  recipe: string | undefined,
  folder: string,
  { set, stlAlone = false, resume = false, json }: DetachFlags,
  flags: readonly string[] = [],
): Promise<void> {
  const asked = { command, recipe, folder, set, stlAlone, resume, flags };
  const started = await startDetached(asked, program());
  show({ json }, started, () => `Process ${started.pid} works in ${folder}. See: discern watch ${folder}`);
}

/** Work that signals and the pipes of this process can stop. */
export async function withStop<T>(
  folder: string,
  work: (stop: ReturnType<typeof anyStop>, engine: RunEngine) => Promise<T>,
): Promise<T> {
  const engine = await openRunEngine(folder);
  const stop = new Stop();
  const release = stopOnSignals((signal) => {
    stop.request();
    say(`${signal}: finishing this step or batch and saving. A second signal ends at once.`);
  });
  try {
    return await work(anyStop(stop, engine.stop), engine);
  } finally {
    release();
    await engine.close();
  }
}
