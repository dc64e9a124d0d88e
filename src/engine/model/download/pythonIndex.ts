import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { execa } from "execa";
import * as z from "zod";
import { DiscernError } from "../../../protocol/errors.ts";
import { fetchSoon, type Transfer } from "../../download/transfer.ts";

/** A file of a Python package index. */
export interface IndexFile {
  readonly url: string;
  readonly headers: Record<string, string>;
}

const publicIndex = "https://pypi.org/simple";
const projectSchema = z.looseObject({
  files: z.array(z.looseObject({ filename: z.string(), url: z.string() })),
});

/**
 * The package index pip would use here: `PIP_INDEX_URL`, pip's own configuration, or PyPI. This is how a laboratory's
 * mirror is found.
 *
 * pip is only asked for its configuration; nothing is installed. It runs without a shell, in an empty folder, and in
 * Python's isolated mode, so that no module of the current folder, of `PYTHONPATH` or of the user's site-packages is
 * imported in its place.
 */
export async function configuredIndex(): Promise<string> {
  if (process.env.PIP_INDEX_URL) return process.env.PIP_INDEX_URL;
  const empty = await mkdtemp(join(tmpdir(), "discern-pip-"));
  try {
    const pip = await execa("python3", ["-I", "-m", "pip", "config", "list"], {
      reject: false,
      timeout: 5_000,
      cwd: empty,
      extendEnv: false,
      env: pipEnvironment(),
    });
    return (pip.exitCode === 0 ? listedIndex(String(pip.stdout)) : null) ?? publicIndex;
  } finally {
    await rm(empty, { recursive: true, force: true });
  }
}

/**
 * The index among the lines of `pip config list`, such as `global.index-url='https://…'`; what a command is given stands
 * before what all are. (`pip config get` does not see the file that `PIP_CONFIG_FILE` names.)
 */
function listedIndex(lines: string): string | null {
  for (const key of ["download.index-url", "global.index-url"]) {
    const line = lines.split(/\r?\n/).find((each) => each.startsWith(`${key}=`));
    const value = line?.slice(key.length + 1).replace(/^(['"])(.*)\1$/, "$2");
    if (value !== undefined && URL.canParse(value)) return value;
  }
  return null;
}

/** What pip needs to find its configuration files, and Windows to start a program. */
const passedOn = [
  "HOME",
  "XDG_CONFIG_HOME",
  "XDG_CONFIG_DIRS",
  "USERPROFILE",
  "APPDATA",
  "LOCALAPPDATA",
  "PROGRAMDATA",
  "SYSTEMROOT",
  "TEMP",
  "TMP",
  "TMPDIR",
] as const;

function pipEnvironment(): Record<string, string> {
  const own = passedOn.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const config = process.env.PIP_CONFIG_FILE;
  return {
    ...Object.fromEntries(own),
    // A relative entry would name a program of the folder someone happens to stand in.
    PATH: (process.env.PATH ?? "").split(delimiter).filter(isAbsolute).join(delimiter),
    ...(config ? { PIP_CONFIG_FILE: resolve(config) } : {}),
    PIP_DISABLE_PIP_VERSION_CHECK: "1",
  };
}

/**
 * Finds a file of a project on an index (the simple API: PEP 691's JSON, or PEP 503's HTML).
 *
 * @throws DiscernError `download-failed` when the index does not answer or lacks the file.
 */
export async function findOnIndex(
  index: string,
  project: string,
  filename: string,
  transfer: Transfer,
): Promise<IndexFile> {
  const { url, headers } = withoutPassword(`${index.replace(/\/+$/, "")}/${project}/`);
  const accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.1";
  const response = await fetchSoon(url, { headers: { ...headers, accept } }, transfer);
  const where = new URL(url).host;
  if (!response.ok) {
    throw new DiscernError(
      "download-failed",
      `${where} answered ${response.status} for the package ${project}.`,
    );
  }
  const text = await response.text();
  const json = response.headers.get("content-type")?.includes("json") ?? false;
  const href = json ? fromJson(text, filename) : fromHtml(text, filename);
  if (href === null) throw new DiscernError("download-failed", `${where} does not offer ${filename}.`);
  const file = withoutPassword(new URL(href, response.url || url).href);
  // The password of an index is for that host alone.
  const sameHost = new URL(file.url).host === where;
  return { url: file.url, headers: { ...(sameHost ? headers : {}), ...file.headers } };
}

function fromJson(text: string, filename: string): string | null {
  try {
    return (
      projectSchema.parse(JSON.parse(text)).files.find((file) => file.filename === filename)?.url ?? null
    );
  } catch {
    return null;
  }
}

function fromHtml(text: string, filename: string): string | null {
  for (const [, href, name] of text.matchAll(
    /<a\b[^>]*\bhref\s*=\s*["']([^"']+)["'][^>]*>\s*([^<]+?)\s*<\/a>/gi,
  )) {
    if (name === filename) return href!.replaceAll("&amp;", "&");
  }
  return null;
}

/** `fetch` refuses URLs that hold a name and password; they go into a header. */
function withoutPassword(address: string): IndexFile {
  const url = new URL(address);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  url.hash = "";
  if (!username && !password) return { url: url.href, headers: {} };
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { url: url.href, headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` } };
}
