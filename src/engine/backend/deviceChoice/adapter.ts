import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What can be known of the adapter behind WebGPU. onnxruntime-node tells nothing of it: neither name nor kind is in its
 * interface or its log. So it is read from the system where that is possible, which is on Linux. Elsewhere a software
 * adapter (WARP on Windows) is recognised by its time alone: it computes on the CPU, and more slowly than onnxruntime's
 * own kernels for it.
 */

/** Files by which Linux gives a process a GPU: DRM, NVIDIA (also Jetson), WSL, Mali, Adreno. */
const gpuFiles = [
  ["dri", /^renderD\d+$/],
  ["", /^(nvidia\d+|nvhost-gpu|nvgpu|dxg|mali\d+|kgsl-3d\d+)$/],
] as const;

/**
 * Why no GPU can be reached from this process; null where one may be.
 *
 * @param dev the folder of devices.
 */
export function noGpu(dev = "/dev", platform: NodeJS.Platform = process.platform): string | null {
  if (platform !== "linux") return null;
  for (const [folder, name] of gpuFiles) {
    try {
      if (readdirSync(join(dev, folder)).some((entry) => name.test(entry))) return null;
    } catch {
      // There is no such folder, or it may not be read.
    }
  }
  return `this process reaches no GPU: ${dev} has no device of one (${dev}/dri/renderD*, ${dev}/nvidia*, ${dev}/dxg)`;
}

/** Vulkan drivers that compute on the CPU, by the name of their library, and what they are called. */
const softwareDrivers = [
  ["SwiftShader", /\/libvk_swiftshader\b/],
  ["lavapipe (llvmpipe)", /\/libvulkan_lvp\b/],
] as const;
const drivers =
  /\/(libvulkan_\w+|libvk_\w+|libGLX_nvidia|libEGL_nvidia|amdvlk\w*|libmali|libvulkan\.adreno)\b[^/]*\.so/i;

/**
 * The software driver behind the adapter that this process has opened; null where there is another driver as well, or
 * none is known: then time decides.
 *
 * @param maps the files that are mapped into this process, in Linux' form.
 */
export function softwareAdapter(maps: string = mapped()): string | null {
  const loaded = [...new Set(maps.match(new RegExp(drivers, "gi")) ?? [])];
  const names = loaded.map((file) => softwareDrivers.find(([, library]) => library.test(file))?.[0]);
  return names.every((name) => name !== undefined) ? (names[0] ?? null) : null;
}

function mapped(): string {
  try {
    return readFileSync("/proc/self/maps", "utf8");
  } catch {
    return "";
  }
}
