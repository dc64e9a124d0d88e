/**
 * `npm run package [-- --target linux-x64] [--pre-release] [--project https://github.com/owner/name]`: a VSIX for one platform. npm's onnxruntime-node and tokenizers carry the
 * libraries of every platform, 290 and 60 MB of them; the ones that are needed are put beside the bundles, where the
 * engine finds them first.
 */
import { cp, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createVSIX } from "@vscode/vsce";
import { Command, Option } from "commander";
import manifest from "../package.json" with { type: "json" };
import { byteSize } from "../src/wording/numbers.ts";
import { copyNativePackages, nativePackages, packageFolder } from "./nativePackages.ts";
import { thirdPartyNotices } from "./notices.ts";

const root = join(import.meta.dirname, "..");
const targets = ["linux-x64", "linux-arm64", "darwin-arm64", "win32-x64", "win32-arm64"];
/** What the VSIX is made of; of that, `.vscodeignore` says what it holds. */
const shipped = [
  "package.json",
  "README.md",
  "CHANGELOG.md",
  "LICENSE",
  "dist",
  "media",
  "docs/images",
  "datasets",
];
const here = `${process.platform}-${process.arch}`;

const { target, out, preRelease, project } = new Command("package")
  .addOption(new Option("--target <platform>", "platform of the VSIX").choices(targets).default(here))
  .option("--out <file>", "where to write it")
  .option("--pre-release", "mark it as a pre-release for the marketplaces", false)
  .option("--project <address>", "where the project lies on GitHub, for the links and pictures of the README")
  .parse()
  .opts<{ target: string; out?: string; preRelease: boolean; project?: string }>();
const packagePath =
  out !== undefined ? resolve(out) : join(root, `discern-${target}-${manifest.version}.vsix`);

const tag = `v${manifest.version}`;
const images = project && `${project}/raw/${tag}`;

// A folder of its own, since an engine at work beside this must not find half-copied libraries in `dist`.
const staged = await mkdtemp(join(tmpdir(), "discern-package-"));
try {
  for (const path of [...shipped, ".vscodeignore"])
    await cp(join(root, path), join(staged, path), { recursive: true });
  if (images !== undefined) {
    // vsce knows the sources of pictures in links and img elements, and not those for dark themes.
    const readme = join(staged, "README.md");
    const text = await readFile(readme, "utf8");
    await writeFile(readme, text.replaceAll(/(?<=srcset=")(?=docs\/)/g, `${images}/`));
  }
  await copyNativePackages(target, join(staged, "dist/node_modules"));
  // The icons' package is copied into the pages.
  const shippedAsTheyAre = [
    ...nativePackages.map(packageFolder),
    join(root, "node_modules/@vscode/codicons"),
  ];
  const notices = await thirdPartyNotices(join(root, "dist"), shippedAsTheyAre);
  await writeFile(join(staged, "dist/ThirdPartyNotices.txt"), notices);
  await createVSIX({
    cwd: staged,
    packagePath,
    target,
    preRelease,
    // The bundles hold every other dependency.
    dependencies: false,
    // A clone lies nowhere yet; the release workflow writes where its project does.
    allowMissingRepository: true,
    // Marketplaces show the README alone: what it links to is taken from the project, at the tag of this version.
    rewriteRelativeLinks: project !== undefined,
    ...(project && { baseContentUrl: `${project}/blob/${tag}`, baseImagesUrl: images }),
  });
} finally {
  await rm(staged, { recursive: true, force: true });
}
const { size } = await stat(packagePath);
process.stdout.write(`${packagePath}: ${byteSize(size)}\n`);
