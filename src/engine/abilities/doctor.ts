import { execFile } from "node:child_process";
import { cpus, freemem, totalmem } from "node:os";
import { findModels, modelsHome } from "../../models_home/home.ts";
import { versions } from "../run/versions.ts";
import { Device, type DeviceName } from "../runtime/device.ts";

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

/**
 * Starts every device once and looks for models; a device that does not start says what to install. Each is tried in
 * a process of its own: GPU drivers write on stderr, and a broken one may take its process with it.
 *
 * @param tryDevice the program and arguments that print a device's problem as JSON, given its name behind them.
 */
export async function doctor(tryDevice: readonly [program: string, ...args: string[]]): Promise<Health> {
  const [program, ...args] = tryDevice;
  const devices = await Promise.all(
    (["cpu", "webgpu", "cuda"] as const).map(
      (name) =>
        new Promise<Health["devices"][number]>((resolve) => {
          execFile(program, [...args, name], { timeout: 30_000 }, (error, stdout) => {
            const problem = error
              ? `The device "${name}" ended its process: ${error.message.split("\n")[0]}`
              : (JSON.parse(stdout) as string | null);
            resolve({ name, starts: problem === null, problem });
          });
        }),
    ),
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
