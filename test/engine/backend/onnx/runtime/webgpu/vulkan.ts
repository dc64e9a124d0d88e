import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where browsers put SwiftShader, a Vulkan driver that runs on the CPU. (Mesa's, lavapipe, is refused by WebGPU.) */
const swiftShader = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/usr/lib64/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];

/**
 * The environment a process must be born with to reach WebGPU here: as it is on macOS and Windows, and where a Vulkan
 * driver is named already; else SwiftShader's. Null where there is none.
 */
export function vulkanEnvironment(): Record<string, string> | null {
  if (process.platform !== "linux" || process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES) return {};
  const driver = swiftShader.find((path) => existsSync(path));
  if (!driver) return null;
  return {
    VK_DRIVER_FILES: driver,
    VK_ICD_FILENAMES: driver,
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? mkdtempSync(join(tmpdir(), "discern-xdg-")),
  };
}
