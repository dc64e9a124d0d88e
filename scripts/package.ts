/**
 * `npm run package [-- --target linux-x64]`: a VSIX for one platform. npm's onnxruntime-node and tokenizers carry the
 * libraries of every platform, 290 and 60 MB of them; the ones that are needed are put beside the bundles, where the
 * engine finds them first.
 */
import { cp, mkdir, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createVSIX } from "@vscode/vsce";
import { Command, Option } from "commander";
import project from "../package.json" with { type: "json" };
import { byteSize } from "../src/wording/numbers.ts";

const root = join(import.meta.dirname, "..");
const targets = ["linux-x64", "linux-arm64", "darwin-arm64", "win32-x64", "win32-arm64"];
const here = `${process.platform}-${process.arch}`;

const { target, out } = new Command("package")
  .addOption(new Option("--target <platform>", "platform of the VSIX").choices(targets).default(here))
  .option("--out <file>", "where to write it")
  .parse()
  .opts<{ target: string; out?: string }>();
const packagePath = out ?? join(root, `discern-${target}-${project.version}.vsix`);

const beside = join(root, "dist/node_modules");
const [platform, arch] = target.split("-") as [string, string];
const runtime = packageFolder("onnxruntime-node");
await rm(beside, { recursive: true, force: true });
for (const path of ["package.json", "dist", join("bin/napi-v6", platform, arch)]) {
  await copy(join(runtime, path), join(beside, "onnxruntime-node", path));
}
const common = packageFolder("onnxruntime-common");
for (const path of ["package.json", "dist/cjs"]) {
  await copy(join(common, path), join(beside, "onnxruntime-common", path));
}
const tokenizers = packageFolder("tokenizers");
const abi = { linux: "-gnu", darwin: "", win32: "-msvc" }[platform];
for (const path of ["package.json", "index.js", "LICENSE", `tokenizers.${target}${abi}.node`]) {
  await copy(join(tokenizers, path), join(beside, "tokenizers", path));
}
try {
  await createVSIX({
    cwd: root,
    packagePath,
    target,
    // The bundles hold every other dependency.
    dependencies: false,
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
  });
} finally {
  await rm(beside, { recursive: true, force: true });
}
const { size } = await stat(packagePath);
process.stdout.write(`${packagePath}: ${byteSize(size)}\n`);

function packageFolder(name: string): string {
  const entry = createRequire(import.meta.url).resolve(name);
  return entry.slice(0, entry.lastIndexOf(join("node_modules", name)) + join("node_modules", name).length);
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to, {
    recursive: true,
    filter: (path) => !/\.(map|d\.ts)$/.test(path) && !/\.min\.(c|m)?js$/.test(path),
  });
}
