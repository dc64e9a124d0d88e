import { readdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, isAbsolute, join, relative, resolve, sep } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { didYouMean } from "../protocol/nearest.ts";
import { findInHubCache, hubSnapshots } from "./hubCache.ts";
import { hubCacheHome } from "./hubHome.ts";
import { hubFolderName, parseHubName } from "./hubName.ts";
import { suggestedModel, suggestedModels } from "./suggestedModels.ts";

/** Where pulled models live: `DISCERN_MODELS`, or `~/.cache/discern/models`. */
export function modelsHome(): string {
  const named = process.env.DISCERN_MODELS;
  return named ? resolve(named) : join(homedir(), ".cache", "discern", "models");
}

/** The folder of a pulled model: its registry name, or a hub id as owner/name. */
export function pulledFolder(name: string, home: string = modelsHome()): string {
  if (!/^[\w][\w.-]*(\/[\w][\w.-]*)?$/.test(name)) {
    throw new DiscernError(
      "model-missing",
      `"${name}" is not a model name (a registry name, or owner/name of the hub).`,
    );
  }
  return join(home, ...name.split("/"));
}

/**
 * Finds a model by path, or by name in the given folders, the models home and the Hugging Face cache (`owner/name[@revision]`).
 *
 * @param baseFolders folders that relative paths and names are looked up in, in order.
 * @returns an absolute path for `loadModel`.
 * @throws DiscernError `model-missing`, saying where it was looked for, or what the cache lacks of it, and how to fetch it.
 */
export async function resolveModel(nameOrPath: string, baseFolders: readonly string[] = []): Promise<string> {
  const places = isAbsolute(nameOrPath)
    ? [nameOrPath]
    : [...baseFolders.map((folder) => resolve(folder, nameOrPath)), join(modelsHome(), nameOrPath)];
  for (const place of places) {
    if (await isModel(place)) return place;
  }
  const name = parseHubName(suggestedModel(nameOrPath)?.hub ?? nameOrPath);
  const cached = name && (await findInHubCache(name));
  if (cached) return cached;
  const looked = name === null ? places : [...places, join(hubCacheHome(), hubFolderName(name.id))];
  throw new DiscernError(
    "model-missing",
    `There is no model "${nameOrPath}" (looked at ${looked.join(", ")}).` +
      `${name === null ? "" : didYouMean(nameOrPath, await knownNames())} ` +
      `Give a model folder or .gguf file, or fetch one: discern pull ${name?.id.includes("/") ? nameOrPath : "smollm2-135m"}.`,
  );
}

/** Names that a person may have meant: those that Discern suggests, and those of the models home and the Hugging Face cache. */
async function knownNames(): Promise<string[]> {
  const home = modelsHome();
  const own = (await findModels(home)).map(({ path }) => relative(home, path).replaceAll(sep, "/"));
  const cached = (await hubSnapshots()).map(({ name }) => name);
  return [...suggestedModels.flatMap(({ name, hub }) => [name, hub]), ...own, ...cached];
}

/**
 * Finds what a model begins with: a folder (PEFT adapter, run), or an adapter of the Hugging Face cache (`owner/name[@revision]`).
 *
 * @param root folder against which a relative path is resolved.
 * @returns an absolute path.
 * @throws DiscernError `file-missing`; `model-missing` for an adapter that the cache does not have whole.
 */
export async function resolveAdapter(named: string, root: string): Promise<string> {
  const path = resolve(root, named);
  const there = await stat(path).catch(() => null);
  if (there?.isDirectory()) return path;
  const name = there === null ? parseHubName(named) : null;
  const cached = name && (await findInHubCache(name));
  if (cached) return cached;
  throw new DiscernError(
    "file-missing",
    `${path} ${there === null ? "does not exist" : "is not a folder"}. Name a PEFT adapter or a run folder` +
      (name?.id.includes("/") ? `, or fetch an adapter of the hub: discern pull ${named}.` : "."),
  );
}

/** A model found on disk. */
export interface FoundModel {
  readonly name: string;
  readonly path: string;
}

/**
 * The models in a folder and the folders below it, to a depth that covers owner/name; hidden folders and
 * `node_modules` are passed over. A folder that cannot be read holds none.
 */
export async function findModels(folder: string, depth = 3): Promise<FoundModel[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.map(({ name }) => name);
  const ggufs = names.filter((name) => name.endsWith(".gguf")).sort();
  const weighted = names.includes("config.json") && names.some((name) => name.endsWith(".safetensors"));
  if (weighted || ggufs.length === 1) return [{ name: basename(folder), path: folder }];
  const own = ggufs.map((name) => ({ name: basename(name, ".gguf"), path: join(folder, name) }));
  if (depth === 0) return own;
  const below = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules")
    .sort((a, b) => a.name.localeCompare(b.name));
  return [
    ...own,
    ...(await Promise.all(below.map(({ name }) => findModels(join(folder, name), depth - 1)))).flat(),
  ];
}

/** Whether `path` looks like a model: a .gguf file, or a folder with a config.json or GGUF file. */
export async function isModel(path: string): Promise<boolean> {
  const kind = await stat(path).catch(() => null);
  if (kind === null) return false;
  if (kind.isFile()) return path.endsWith(".gguf");
  const names = await readdir(path).catch(() => []);
  return names.some((name) => name === "config.json" || name.endsWith(".gguf"));
}
