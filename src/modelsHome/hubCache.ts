/*
 * The cache that huggingface_hub and transformers keep, read in its own layout: a folder per model (`models--owner--name`) with `blobs`
 * (files by their checksum), `snapshots/COMMIT` (a commit's files by name, links into `blobs`, or the files themselves where the system
 * has no links) and `refs` (the commit of a branch or tag). Python may write in it at any time, so nothing here relies on a lock: a blob
 * has its name only when it is whole.
 */

import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { hubCacheHome } from "./hubHome.ts";
import { type HubName, hubFolderName, hubNameText, idOfHubFolder } from "./hubName.ts";

/** What the files of a commit are. */
export type SnapshotKind = "model" | "adapter" | "classifier" | "other";

/** A commit of a model in the cache. */
export interface Snapshot {
  /** owner/name. */
  readonly id: string;
  /** As a recipe names it: owner/name where that means this commit, else with a branch, a tag, or the commit. */
  readonly name: string;
  readonly commit: string;
  readonly path: string;
  /** Size of its files. */
  readonly bytes: number;
  /** Branches and tags that are this commit. */
  readonly refs: readonly string[];
  readonly kind: SnapshotKind;
  /** Why it cannot be used, such as which files are missing, as a clause; null where it can. */
  readonly problem: string | null;
  /** Whether the problem is that files have not been fetched, or not all of them. */
  readonly incomplete: boolean;
}

const commitPattern = /^[0-9a-f]{40}$/;

/** The model of the cache that a path is a snapshot of; null for any other path. Nothing is read. */
export function snapshotOf(path: string): { readonly id: string; readonly commit: string } | null {
  for (let folder = path; dirname(folder) !== folder; folder = dirname(folder)) {
    const commit = basename(folder);
    const above = dirname(folder);
    if (!commitPattern.test(commit) || basename(above) !== "snapshots") continue;
    const id = idOfHubFolder(basename(dirname(above)));
    if (id !== null) return { id, commit };
  }
  return null;
}

/** The folder of a commit in the cache, whether it is there or not. */
export function snapshotFolder(
  { id, commit }: { readonly id: string; readonly commit: string },
  home = hubCacheHome(),
): string {
  return join(home, hubFolderName(id), "snapshots", commit);
}

/** All commits of all models and adapters in the cache, by name; classifiers, and tokenizers alone, are left out. */
export async function hubSnapshots(home = hubCacheHome()): Promise<Snapshot[]> {
  const folders = await namesIn(home);
  const found = await Promise.all(
    folders.sort().map(async (folder) => {
      const id = idOfHubFolder(folder);
      return id === null ? [] : snapshotsOf(id, home);
    }),
  );
  return found.flat().filter(({ kind }) => kind === "model" || kind === "adapter");
}

/** All commits of a model in the cache; none where it is not there. */
export async function snapshotsOf(id: string, home = hubCacheHome()): Promise<Snapshot[]> {
  const folder = join(home, hubFolderName(id));
  const refs = await refsIn(join(folder, "refs"));
  const commits = (await namesIn(join(folder, "snapshots"))).filter((name) => commitPattern.test(name));
  const found = await Promise.all(
    commits.sort().map(async (commit) => {
      const path = join(folder, "snapshots", commit);
      const named = [...refs].filter(([, of]) => of === commit).map(([ref]) => ref);
      return { id, commit, path, refs: named, ...(await lookInto(path, folder, home)) };
    }),
  );
  const main = refs.has("main") ? refs.get("main") : onlyOne(found)?.commit;
  return found.map((one) => {
    const name = one.commit === main ? id : `${id}@${one.refs[0] ?? one.commit.slice(0, 12)}`;
    return { ...one, name };
  });
}

/** The commit that is meant where the cache does not know the main branch: the only one, or the only one that can be used. */
function onlyOne<T extends Pick<Snapshot, "problem">>(snapshots: readonly T[]): T | undefined {
  const whole = snapshots.filter(({ problem }) => problem === null);
  return [snapshots, whole].find(({ length }) => length === 1)?.[0];
}

/**
 * Finds a model in the cache.
 *
 * @returns the path of its snapshot, or of the file of it that is named; null where the cache does not hold the model at all.
 * @throws DiscernError `model-missing` where it holds the model, but not the revision, several that the name may mean, or not all of its
 *   files.
 */
export async function findInHubCache(name: HubName, home = hubCacheHome()): Promise<string | null> {
  const snapshots = await snapshotsOf(name.id, home);
  if (snapshots.length === 0) return null;
  const snapshot = chosen(name, snapshots, await refsIn(join(home, hubFolderName(name.id), "refs")));
  if (name.file !== null) {
    const path = join(snapshot.path, ...name.file.split("/"));
    if (await isFileInside(path, join(home, hubFolderName(name.id)), home)) return path;
    throw missing(name, `${snapshot.path} has no file ${name.file}`);
  }
  if (snapshot.problem !== null) {
    throw missing(name, `in ${snapshot.path} ${snapshot.problem}`, snapshot.incomplete);
  }
  return snapshot.path;
}

/** A commit that is shortened, in full where the cache has one that begins so; any other revision as it is. */
export async function fullRevision(name: HubName, home = hubCacheHome()): Promise<HubName> {
  const { id, revision } = name;
  if (revision === null || !shortened.test(revision)) return name;
  const begun = (await snapshotsOf(id, home)).filter(({ commit }) => commit.startsWith(revision));
  return begun.length === 1 ? { ...name, revision: begun[0]!.commit } : name;
}

/** What a person may write instead of a whole commit. */
const shortened = /^[0-9a-f]{4,39}$/;

function chosen(name: HubName, snapshots: readonly Snapshot[], refs: ReadonlyMap<string, string>): Snapshot {
  const { id, revision } = name;
  const known = () =>
    snapshots.map(({ commit, refs }) => [commit.slice(0, 12), ...refs].join(" = ")).join(", ");
  const commit = refs.get(revision ?? "main");
  const named = snapshots.find((one) => one.commit === (commit ?? revision));
  if (named) return named;
  if (commit !== undefined) {
    throw missing(
      name,
      `the cache knows ${revision ?? "main"} as ${commit.slice(0, 12)}, whose files are not there`,
    );
  }
  if (revision === null) {
    const only = onlyOne(snapshots);
    if (only) return only;
    throw missing(
      name,
      `the cache does not say which commit its main branch is, and has ${known()}. Name one: ${id}@COMMIT`,
    );
  }
  const begun = shortened.test(revision) ? snapshots.filter((one) => one.commit.startsWith(revision)) : [];
  if (begun.length === 1) return begun[0]!;
  throw missing(
    name,
    begun.length > 1
      ? `"${revision}" is the beginning of several commits: ${begun.map((one) => one.commit).join(", ")}`
      : `the cache does not have the revision "${revision}". It has ${known()}`,
  );
}

function missing(name: HubName, what: string, pull = true): DiscernError {
  return new DiscernError(
    "model-missing",
    `${hubNameText(name)} cannot be used from the Hugging Face cache: ${what}.` +
      (pull ? ` Fetch what is missing: discern pull ${hubNameText(name)}` : ""),
  );
}

/** What a snapshot holds, and what it lacks. */
async function lookInto(
  path: string,
  folder: string,
  home: string,
): Promise<Pick<Snapshot, "kind" | "problem" | "incomplete" | "bytes">> {
  const names = await namesIn(path);
  const there = new Map<string, number>();
  for (const name of names) {
    const found = await stat(join(path, name)).catch(() => null);
    if (found?.isFile()) there.set(name, found.size);
  }
  const kind = kindOf(names, await namesIn(join(path, "onnx")));
  const bytes = [...there.values()].reduce((sum, size) => sum + size, 0);
  const known = { kind, bytes };
  const outside = await firstOutside(names, path, folder, home);
  if (outside !== null) return { ...known, problem: outside, incomplete: false };
  const dangling = names.filter((name) => !there.has(name) && /\.(json|safetensors|gguf|model)$/.test(name));
  const needed = new Set([...dangling, ...(await weightsOf(path, there, kind))]);
  const lacking = [...needed].filter((name) => !there.has(name)).sort();
  if (lacking.length === 0) return { ...known, problem: null, incomplete: false };
  const pickled = names.find((name) => /^(pytorch_model|adapter_model)\b.*\.bin$/.test(name));
  if (pickled !== undefined && !names.some((name) => name.endsWith(".safetensors"))) {
    const problem = `the weights are ${pickled}, which can hold programs and is not read`;
    return { ...known, problem, incomplete: false };
  }
  return { ...known, problem: lackingText(lacking, await begunIn(folder)), incomplete: true };
}

/** How many blobs of a model are not whole: fetched at the moment, or left by a download that broke off. */
async function begunIn(folder: string): Promise<number> {
  return (await namesIn(join(folder, "blobs"))).filter((name) => name.endsWith(".incomplete")).length;
}

function lackingText([first, ...others]: readonly string[], begun: number): string {
  const [more, files] = [others.length, begun === 1 ? "file is" : "files are"];
  return (
    `the download is incomplete: ${first}${more > 0 ? ` and ${more} more ${more === 1 ? "file" : "files"} are` : " is"} missing` +
    (begun > 0 ? ` (${begun} ${files} fetched just now, or the download broke off)` : "")
  );
}

/** A model's settings without its weights are a model that is not all there. */
function kindOf(names: readonly string[], onnx: readonly string[]): SnapshotKind {
  const weights = names.some((name) => /^model.*\.safetensors(\.index\.json)?$|\.gguf$/.test(name));
  if (weights) return "model";
  if (names.includes("adapter_config.json")) return "adapter";
  if ([...names, ...onnx].some((name) => name.endsWith(".onnx"))) return "classifier";
  return names.includes("config.json") ? "model" : "other";
}

/** The files with weights that a snapshot must have. */
async function weightsOf(
  path: string,
  there: ReadonlyMap<string, number>,
  kind: SnapshotKind,
): Promise<string[]> {
  if (kind === "adapter") return ["adapter_model.safetensors"];
  if (kind === "other") return ["config.json", "model.safetensors"];
  if (kind !== "model" || [...there.keys()].some((name) => name.endsWith(".gguf"))) return [];
  if (there.has("model.safetensors")) return ["config.json"];
  const shards = there.has(indexFile) ? await shardsIn(join(path, indexFile)) : shardsByName(there);
  return ["config.json", ...shards];
}

const indexFile = "model.safetensors.index.json";

/** The files that an index of shards names; the index itself where it cannot be read. */
async function shardsIn(index: string): Promise<string[]> {
  try {
    const { weight_map } = JSON.parse(await readFile(index, "utf8")) as {
      weight_map: Record<string, string>;
    };
    // A name with a slash would be a file of another folder, which no model of the hub has.
    return [...new Set(Object.values(weight_map))].map((name) => basename(name));
  } catch {
    return [`readable ${indexFile}`];
  }
}

/** Without an index: the shards that the name of one of them counts. */
function shardsByName(there: ReadonlyMap<string, number>): string[] {
  for (const name of there.keys()) {
    const [, count] = /^model-\d{5}-of-(\d{5})\.safetensors$/.exec(name) ?? [];
    if (count === undefined) continue;
    return Array.from({ length: Math.min(Number(count), 10_000) }, (_, i) => {
      return `model-${String(i + 1).padStart(5, "0")}-of-${count}.safetensors`;
    });
  }
  return [...there.keys()].some((name) => name.endsWith(".safetensors")) ? [] : ["model.safetensors"];
}

/** Says which file of a snapshot is a link out of the cache: the cache's own links stay in it. */
async function firstOutside(
  names: readonly string[],
  path: string,
  folder: string,
  home: string,
): Promise<string | null> {
  for (const name of names) {
    const target = await realpath(join(path, name)).catch(() => null);
    if (target !== null && !(await isInside(target, folder, home))) {
      return `${name} is a link to ${target}, which is not in the cache, and is not followed`;
    }
  }
  return null;
}

async function isFileInside(path: string, folder: string, home: string): Promise<boolean> {
  const target = await realpath(path).catch(() => null);
  return target !== null && (await isFile(target)) && (await isInside(target, folder, home));
}

/** Whether a real path lies in the cache, or in a model's folder that a person put elsewhere by a link. */
async function isInside(target: string, folder: string, home: string): Promise<boolean> {
  for (const root of [home, folder]) {
    const inside = relative(await realpath(root).catch(() => root), target);
    if (inside !== "" && inside !== ".." && !inside.startsWith(`..${sep}`) && !isAbsolute(inside))
      return true;
  }
  return false;
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Branches and tags of a model with their commits; a file that holds no commit is none. */
async function refsIn(folder: string, prefix = ""): Promise<Map<string, string>> {
  const refs = new Map<string, string>();
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const name = `${prefix}${entry.name}`;
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      for (const [key, commit] of await refsIn(path, `${name}/`)) refs.set(key, commit);
    else if (entry.isFile()) {
      const commit = (await readFile(path, "utf8").catch(() => "")).trim();
      if (commitPattern.test(commit)) refs.set(name, commit);
    }
  }
  return refs;
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
