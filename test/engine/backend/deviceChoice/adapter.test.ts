import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { noGpu, softwareAdapter } from "../../../../src/engine/backend/deviceChoice/adapter.ts";
import { tempFolder } from "../../../tempFolder.ts";

/** A folder of devices with these files in it. */
function dev(...files: string[]): string {
  const folder = tempFolder();
  for (const file of files) {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), "");
  }
  return folder;
}

describe("whether a GPU can be reached on Linux", () => {
  test.each(["dri/renderD128", "nvidia0", "dxg", "mali0", "nvhost-gpu", "kgsl-3d0"])("%s is one", (file) => {
    expect(noGpu(dev("null", file), "linux")).toBeNull();
  });
  test.each([[[]], [["null", "dri/card0"]], [["nvidiactl", "nvidia-uvm"]]])("%j is none", (files) => {
    expect(noGpu(dev(...files), "linux")).toMatch(/no GPU.*dri\/renderD/);
  });
  test("elsewhere only a trial can tell", () => {
    expect(noGpu(dev(), "darwin")).toBeNull();
    expect(noGpu(dev(), "win32")).toBeNull();
  });
});

/** Lines as Linux shows the files that a process has mapped. */
const maps = (...files: string[]) =>
  files
    .map((file) => `7f00-7f01 r-xp 00000000 08:01 42     ${file}\n7f01-7f02 r--p 0 08:01 42 ${file}`)
    .join("\n");
const [loader, layer] = ["/usr/lib/libvulkan.so.1.3.239", "/usr/lib/libVkLayer_MESA_device_select.so"];
const [swiftShader, lavapipe] = ["/usr/lib/chromium/libvk_swiftshader.so", "/usr/lib/libvulkan_lvp.so"];

test.each<[string | null, string[]]>([
  ["SwiftShader", [loader, swiftShader]],
  ["lavapipe (llvmpipe)", [loader, layer, lavapipe]],
  ["SwiftShader", [swiftShader, lavapipe]],
  // Mesa loads all of its drivers to look which of them has a device.
  [null, [loader, "/usr/lib/libvulkan_intel.so", lavapipe]],
  [null, [loader, "/usr/lib/libGLX_nvidia.so.550.54", swiftShader]],
  [null, [loader, "/usr/lib/libvulkan_radeon.so"]],
  [null, [loader]],
  [null, []],
])("the software driver %s behind %j", (name, files) => {
  expect(softwareAdapter(maps(...files))).toBe(name);
});
