import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { vulkanEnvironment } from "../../engine/backend/onnx/runtime/webgpu/vulkan.ts";

const execute = promisify(execFile);

/** Where Vulkan's loader looks for drivers, and where images of GPU machines put NVIDIA's beside that. */
const driverFolders = [
  "/etc/vulkan/icd.d",
  "/usr/share/vulkan/icd.d",
  "/usr/local/share/vulkan/icd.d",
  "/usr/local/nvidia/share/vulkan/icd.d",
  "/usr/local/nvidia/vulkan/icd.d",
  "/opt/nvidia/share/vulkan/icd.d",
];

/**
 * The environment a process must be born with so that WebGPU finds the GPU's driver.
 *
 * @param imitated whether a driver that computes on the CPU will do, for a rehearsal.
 */
export function gpuEnvironment(imitated: boolean): NodeJS.ProcessEnv {
  if (imitated) return { ...process.env, ...vulkanEnvironment() };
  if (process.platform !== "linux") return process.env;
  const runtime = process.env.XDG_RUNTIME_DIR ?? mkdtempSync(join(tmpdir(), "discern-xdg-"));
  const driver = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES ?? nvidiaDriver();
  return {
    ...process.env,
    XDG_RUNTIME_DIR: runtime,
    ...(driver ? { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver } : {}),
  };
}

/** NVIDIA's Vulkan driver file. Mesa's drivers, which often lie beside it, are then not asked. */
function nvidiaDriver(): string | undefined {
  return driverFolders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .find((path) => /nvidia.*\.json$/.test(path));
}

/** What is known of the machine without computing anything, by the name of the fact. */
export async function machineFacts(env: NodeJS.ProcessEnv): Promise<Record<string, string>> {
  const facts: Record<string, string> = {
    processor: `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: systemName(),
    "Node.js": process.version,
  };
  const query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"];
  const smi = await execute("nvidia-smi", query).catch(() => null);
  facts.card = smi ? smi.stdout.trim().replaceAll("\n", "; ") : "nvidia-smi is not here";
  facts["Vulkan driver"] = env.VK_DRIVER_FILES ?? "found by the loader";
  return facts;
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}
