import { cp, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Packages that are shipped as they are, beside the bundles. */
export const nativePackages = ["onnxruntime-node", "onnxruntime-common", "tokenizers"];

/**
 * Copies the packages with native libraries, and of them what one platform needs: npm's carry those of all platforms.
 *
 * @param target the platform, such as `linux-x64`.
 * @param into a folder `node_modules`.
 */
export async function copyNativePackages(target: string, into: string): Promise<void> {
  const [platform, arch] = target.split("-") as [string, string];
  const runtime = packageFolder("onnxruntime-node");
  for (const path of ["package.json", "dist", join("bin/napi-v6", platform, arch)]) {
    await copyPackage(join(runtime, path), join(into, "onnxruntime-node", path));
  }
  const common = packageFolder("onnxruntime-common");
  for (const path of ["package.json", "dist/cjs"]) {
    await copyPackage(join(common, path), join(into, "onnxruntime-common", path));
  }
  const tokenizers = packageFolder("tokenizers");
  const abi = { linux: "-gnu", darwin: "", win32: "-msvc" }[platform];
  for (const path of ["package.json", "index.js", "LICENSE", `tokenizers.${target}${abi}.node`]) {
    await copyPackage(join(tokenizers, path), join(into, "tokenizers", path));
  }
}

/** Copies a file or folder of a package without what only people and compilers read, and without copies of the same code. */
async function copyPackage(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, {
    recursive: true,
    filter: (path) => !/\.(map|d\.[cm]?ts)$/.test(path) && !/\.min\.(c|m)?js$/.test(path),
  });
}

/** Folder of an installed package. */
export function packageFolder(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name);
  return entry.slice(0, entry.lastIndexOf(join("node_modules", name)) + join("node_modules", name).length);
}
