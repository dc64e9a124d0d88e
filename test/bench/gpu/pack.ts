/**
 * The check as one archive for a bare machine: Node.js itself, the sources that are run, their packages, onnxruntime with
 * WebGPU, Vulkan's loader, and run.sh. Of Python nothing is packed: a machine that has PyTorch has one.
 */
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { execa } from "execa";
import { copyNativePackages } from "../../../scripts/nativePackages.ts";
import { byteSize } from "../../../src/wording/numbers.ts";

const root = join(import.meta.dirname, "../../..");
/** Everything that is started as a process of its own. */
const entries = [
  "test/bench/gpu/gpuCheck.ts",
  "test/bench/gpu/dispatchChild.ts",
  "test/bench/ours.ts",
  "test/engine/backend/onnx/runtime/webgpu/graphs.ts",
];
/** Read, not imported: Python, small models, how it is started, what is installed. */
const read = ["test/bench/peer", "test/golden/values/tiny", "package.json", "LICENSE"];
/** What Vulkan's loader is called, and the libraries that NVIDIA's driver needs and that a machine without a screen may lack. */
const loader = "libvulkan.so.1";
const spare = [
  ..."libX11.so.6 libXext.so.6 libxcb.so.1 libXau.so.6 libXdmcp.so.6 libbsd.so.0 libmd.so.0".split(" "),
  ..."libEGL.so.1 libGLX.so.0 libGLdispatch.so.0".split(" "),
];
const most = 60e6;

/**
 * Writes the archive.
 *
 * @returns what was written, in one line.
 * @throws Error on another platform than Linux on x64, without Vulkan's loader, and for an archive of more than 60 MB.
 */
export async function pack(archive: string): Promise<string> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error("The check is packed on Linux on x64, whose libraries it takes.");
  }
  const parent = await mkdtemp(join(tmpdir(), "discern-gpu-pack-"));
  const folder = join(parent, "gpu-check");
  try {
    await copySources(folder);
    await copyNativePackages("linux-x64", join(folder, "node_modules"));
    await copyFile(process.execPath, join(folder, "node"));
    await execa("strip", [join(folder, "node")], { reject: false });
    const versions = await copyLibraries(join(folder, "lib"));
    await writeFile(join(folder, "VERSIONS"), `${[`Node.js ${process.version}`, ...versions].join("\n")}\n`);
    await copyFile(join(import.meta.dirname, "run.sh"), join(folder, "run.sh"));
    await chmod(join(folder, "run.sh"), 0o755);
    await mkdir(dirname(archive), { recursive: true });
    await execa("tar", ["--create", "--use-compress-program=xz -T0 -3", `--file=${archive}`, "gpu-check"], {
      cwd: parent,
    });
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
  const { size } = await stat(archive);
  if (size > most)
    throw new Error(`${archive} is ${byteSize(size)}; more than ${byteSize(most)} is too much to carry.`);
  return `${archive}: ${byteSize(size)}. Unpack it, then run gpu-check/run.sh.`;
}

/** Copies the modules that the entries reach, and the packages that these reach, where they are in the checkout. */
async function copySources(folder: string): Promise<void> {
  const { metafile } = await build({
    entryPoints: entries.map((entry) => join(root, entry)),
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    outdir: folder,
    platform: "node",
    format: "esm",
    external: ["onnxruntime-node", "tokenizers", "./pack.ts"],
    logLevel: "error",
  });
  const packages = new Set<string>();
  for (const path of Object.keys(metafile.inputs)) {
    const found = /^.*node_modules\/(@[^/]+\/[^/]+|[^/]+)/.exec(path);
    if (found) packages.add(found[0]);
    else await copy(path, folder);
  }
  for (const path of [...packages, ...read, ...(await pythonFolders())]) await copy(path, folder);
}

/** Folders of the engine that hold Python, which is started and not imported. */
async function pythonFolders(): Promise<string[]> {
  const files = await readdir(join(root, "src"), { recursive: true });
  return [...new Set(files.filter((file) => file.endsWith(".py")).map((file) => dirname(join("src", file))))];
}

async function copy(path: string, folder: string): Promise<void> {
  await cp(join(root, path), join(folder, path), {
    recursive: true,
    filter: (from) => !/\.map$|\.d\.[cm]?ts$|__pycache__/.test(from),
  });
}

/** Copies Vulkan's loader and what may be missing beside it. @returns their names with their versions. */
async function copyLibraries(folder: string): Promise<string[]> {
  const { stdout } = await execa("ldconfig", ["-p"], {
    env: { PATH: `${process.env.PATH}:/sbin:/usr/sbin` },
  });
  const places = new Map(
    stdout
      .split("\n")
      .filter((line) => line.includes("x86-64"))
      .map((line) => line.trim().split(/ .* => /) as [string, string]),
  );
  if (!places.has(loader)) throw new Error(`${loader} is not here. On Debian: apt-get install libvulkan1.`);
  const versions: string[] = [];
  for (const [name, into] of [
    [loader, folder],
    ...spare.map((one) => [one, join(folder, "spare")]),
  ] as const) {
    const place = places.get(name);
    if (!place) continue;
    const file = await realpath(place);
    await mkdir(into!, { recursive: true });
    await copyFile(file, join(into!, name!));
    versions.push(`${name}: ${file.split("/").at(-1)}`);
  }
  return versions;
}
