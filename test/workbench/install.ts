import { readFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import * as z from "zod";

const home = import.meta.dirname;
const packageSchema = z.object({ version: z.string() });
const wantedSchema = z.object({ dependencies: z.object({ "code-server": z.string() }) });

/**
 * The path of code-server's program, installed into this folder when it is absent or of another version than
 * package.json names. Takes about two minutes then, and needs npm, a compiler and a few system libraries.
 *
 * @throws when it cannot be had, with npm's own words.
 */
export async function installCodeServer(): Promise<string> {
  const entry = join(home, "node_modules/code-server/out/node/entry.js");
  if (await isInstalled()) return entry;
  process.stdout.write("Installing code-server for the workbench tests (about two minutes) …\n");
  const { failed, all, shortMessage } = await execa(
    "npm",
    ["--prefix", home, "ci", "--no-audit", "--no-fund"],
    { reject: false, all: true, stdin: "ignore", env: environment() },
  );
  if (failed || !(await isInstalled())) {
    const last = (all || (shortMessage ?? "")).trim().split("\n").slice(-15).join("\n");
    throw new Error(
      `code-server could not be installed. It is built with a C++ compiler and the libraries libkrb5-dev, libx11-dev, libxkbfile-dev, libsecret-1-dev and pkg-config. npm said:\n${last}`,
    );
  }
  return entry;
}

/** Native modules are built last, so a version without them is an installation that was broken off. */
async function isInstalled(): Promise<boolean> {
  const installed = await readPackage("node_modules/code-server/package.json");
  if (installed === null) return false;
  const { version } = packageSchema.parse(installed);
  const wanted = wantedSchema.parse(await readPackage("package.json")).dependencies["code-server"];
  const editor = "node_modules/code-server/lib/vscode/node_modules/@vscode/spdlog/package.json";
  return version === wanted && (await readPackage(editor)) !== null;
}

async function readPackage(path: string): Promise<unknown> {
  const text = await readFile(join(home, path), "utf8").catch(() => null);
  return text === null ? null : JSON.parse(text);
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
  };
}
