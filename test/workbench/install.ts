import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { execa } from "execa";

/** Where code-servers lie, one for each lock file and Node.js that it was built for: clones share them. */
const cache = join(homedir(), ".cache/discern/code-server");
const program = "node_modules/code-server/out/node/entry.js";
/** Of the native modules, which are built last. */
const native = "node_modules/code-server/lib/vscode/node_modules/@vscode/spdlog/package.json";
const wanted = ["package.json", "package-lock.json"].map((name) => join(import.meta.dirname, name));

/**
 * The path of code-server's program, installed into the user's cache when it is not there as package-lock.json says.
 * Takes about two minutes then, and needs npm, a compiler and a few system libraries.
 *
 * @throws when it cannot be had, with npm's own words.
 */
export async function installCodeServer(): Promise<string> {
  const hash = createHash("sha256").update(`${process.version} ${process.platform} ${process.arch}`);
  for (const file of wanted) hash.update(await readFile(file));
  const folder = join(cache, hash.digest("hex").slice(0, 16));
  const entry = join(folder, program);
  if (existsSync(entry)) return entry;
  process.stdout.write("Installing code-server for the workbench tests (about two minutes) …\n");
  await mkdir(cache, { recursive: true });
  // Under its name lies only what is complete, also where two install it at a time or one is broken off.
  const making = await mkdtemp(join(cache, "making-"));
  try {
    for (const file of wanted) await copyFile(file, join(making, basename(file)));
    const { failed, all, shortMessage } = await execa(
      "npm",
      ["--prefix", making, "ci", "--no-audit", "--no-fund"],
      { reject: false, all: true, stdin: "ignore", env: environment() },
    );
    if (failed || ![program, native].every((path) => existsSync(join(making, path)))) {
      const last = (all || (shortMessage ?? "")).trim().split("\n").slice(-15).join("\n");
      throw new Error(
        `code-server could not be installed. It is built with a C++ compiler and the libraries libkrb5-dev, libx11-dev, libxkbfile-dev, libsecret-1-dev and pkg-config. npm said:\n${last}`,
      );
    }
    await rename(making, folder).catch((error) => {
      if (!existsSync(entry)) throw error;
    });
  } finally {
    await rm(making, { recursive: true, force: true });
  }
  return entry;
}

/**
 * code-server's installer refuses the user agent of another npm around it, and builds against the headers that lie
 * beside this Node. The rest of the environment stays, because the settings of the registry are in it.
 */
function environment(): NodeJS.ProcessEnv {
  const bin = dirname(process.execPath);
  return {
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    npm_config_user_agent: "",
    npm_config_nodedir: dirname(bin),
    // Compiles on all cores.
    JOBS: "max",
  };
}
