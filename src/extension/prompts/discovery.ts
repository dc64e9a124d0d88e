import { stat } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";
import { sniff } from "../../dataset/discover.ts";
import type { WaitingState } from "./promptFile.ts";

/** A prompt file as found, before it is read. */
export interface Found {
  readonly path: string;
  readonly state: WaitingState;
  /** Why it gives no prompts, where it is empty or can not be read. */
  readonly reason?: string;
  /** Size in bytes. */
  readonly size: number;
}

/** What decides whether a file of a workspace folder is taken for a prompt file. */
export interface DiscoveryRules {
  /** Path of the workspace folder. */
  readonly root: string;
  /** Folder of runs, relative to the root; they hold prompts, but as results. */
  readonly runsFolder: string;
  /** Bytes above which a file is read only when a person asks for it. */
  readonly largeBytes: number;
  /** Whether a person chose how the file is read. */
  readonly hasLayout: (path: string) => boolean;
}

/** Files looked at at once: enough to hide the disk's latency, too few to run out of handles. */
const AT_ONCE = 16;

/**
 * The prompt files among candidates, by looking at the head of each. Files that vanish are ignored; those that give no prompts are kept
 * with the reason.
 *
 * @param paths absolute paths inside the rules' root
 */
export async function findPromptFiles(paths: readonly string[], rules: DiscoveryRules): Promise<Found[]> {
  const runs = new RunFolders(rules.root);
  const found: Found[] = [];
  for (let i = 0; i < paths.length; i += AT_ONCE) {
    const looked = await Promise.all(paths.slice(i, i + AT_ONCE).map((path) => look(path, rules, runs)));
    for (const file of looked) if (file !== undefined) found.push(file);
  }
  return found;
}

async function look(path: string, rules: DiscoveryRules, runs: RunFolders): Promise<Found | undefined> {
  if (isInRunsFolder(path, rules) || (await runs.hold(path))) return undefined;
  const sniffed = rules.hasLayout(path) ? ({ kind: "prompts" } as const) : await sniff(path);
  if (sniffed.kind === "other") return undefined;
  const size = await sizeOf(path);
  if (size === undefined) return undefined;
  if ("reason" in sniffed) {
    return { path, size, state: sniffed.kind === "empty" ? "empty" : "failed", reason: sniffed.reason };
  }
  const waiting = size > rules.largeBytes ? "large" : "unread";
  return { path, size, state: sniffed.kind === "unclear" ? "unclear" : waiting };
}

/** Whether a file lies in the folder of runs. */
export function isInRunsFolder(path: string, { root, runsFolder }: DiscoveryRules): boolean {
  const folder = resolve(root, runsFolder);
  // Runs that lie in the workspace folder itself are told by what their own folders hold.
  return folder !== resolve(root) && isInside(path, folder);
}

/** Size of a file in bytes; undefined where there is none. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}

/** Tells files of run folders, remembering the folders looked at. */
class RunFolders {
  private readonly root: string;
  private readonly known = new Map<string, Promise<boolean>>();

  constructor(root: string) {
    this.root = resolve(root);
  }

  hold(path: string): Promise<boolean> {
    const folder = dirname(resolve(path));
    let answer = this.known.get(folder);
    if (!answer) {
      answer = this.isRunOrInside(folder);
      this.known.set(folder, answer);
    }
    return answer;
  }

  private async isRunOrInside(folder: string): Promise<boolean> {
    if (!isInside(folder, this.root) && folder !== this.root) return false;
    const sizes = await Promise.all(
      ["manifest.json", "events.jsonl"].map((name) => sizeOf(join(folder, name))),
    );
    if (sizes.every((size) => size !== undefined)) return true;
    return folder === this.root ? false : this.hold(folder);
  }
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && resolve(folder, way) === resolve(path);
}

/**
 * Glob patterns as one. The editor's globs know no braces inside braces, so those of the patterns are written out.
 */
export function joinGlobs(patterns: readonly string[]): string | undefined {
  const all = patterns.flatMap(withoutBraces);
  return all.length > 1 ? `{${all.join(",")}}` : all[0];
}

function withoutBraces(pattern: string): string[] {
  const [, before, choices, after] = /^([^{]*)\{([^{}]*)\}(.*)$/.exec(pattern) ?? [];
  if (before === undefined || choices === undefined) return [pattern];
  return choices.split(",").flatMap((choice) => withoutBraces(`${before}${choice}${after}`));
}
