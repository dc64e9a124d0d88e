import { spawn } from "node:child_process";
import { cpus, freemem, totalmem } from "node:os";
import * as z from "zod";
import { findModels, modelsHome } from "../../modelsHome/home.ts";
import { Device, type DeviceName } from "../backend/onnx/runtime/device.ts";
import { versions } from "../run/versions.ts";

/** What this machine offers. */
export interface Health {
  versions: Record<string, string>;
  platform: string;
  cores: number;
  memory: { total: number; free: number };
  devices: { name: DeviceName; starts: boolean; problem: string | null }[];
  models: { home: string; found: string[] };
}

/** Why a device does not start; null where it does. */
export async function deviceProblem(name: DeviceName): Promise<string | null> {
  return Device.open(name).then(
    () => null,
    (error: Error) => error.message,
  );
}

/** What the process that tries a device says, over its channel: native libraries and drivers print on stdout and stderr. */
const triedSchema = z.object({ problem: z.string().nullable() });
export type Tried = z.infer<typeof triedSchema>;

/** Characters kept of what the process prints on stderr. */
const longestSaid = 2_000;
/** Milliseconds that a device has to start. */
const patience = 30_000;

/**
 * Starts every device once and looks for models; a device that does not start says what to install. Each is tried in
 * a process of its own: a broken driver may take its process with it.
 *
 * @param tryDevice the program and arguments that send a device's problem to their parent, given its name behind them.
 */
export async function doctor(tryDevice: readonly [program: string, ...args: string[]]): Promise<Health> {
  const devices = await Promise.all(
    (["cpu", "webgpu", "cuda"] as const).map(async (name) => {
      const problem = await problemOf(name, tryDevice);
      return { name, starts: problem === null, problem };
    }),
  );
  const home = modelsHome();
  const found = await findModels(home).catch(() => []);
  return {
    versions: versions(),
    platform: `${process.platform}-${process.arch}`,
    cores: cpus().length,
    memory: { total: totalmem(), free: freemem() },
    devices,
    models: { home, found: found.map(({ path }) => path) },
  };
}

function problemOf(
  name: DeviceName,
  [program, ...args]: readonly [program: string, ...args: string[]],
): Promise<string | null> {
  const child = spawn(program, [...args, name], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    timeout: patience,
    killSignal: "SIGKILL",
    windowsHide: true,
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said = `${said}${text}`.slice(-longestSaid);
  });
  const ended = (how: string) => {
    const last = said.trim().split("\n").at(-1);
    return `The device "${name}" ended its process (${how})${last ? `: ${last}` : "."}`;
  };
  return new Promise((resolve) => {
    child.on("message", (message) => {
      const tried = triedSchema.safeParse(message);
      if (!tried.success) return;
      resolve(tried.data.problem);
      // Some drivers hang when their process ends.
      child.kill();
    });
    child.on("error", ({ message }) => resolve(ended(message)));
    child.on("close", (code, signal) => resolve(ended(signal ?? `exit code ${code}`)));
  });
}
