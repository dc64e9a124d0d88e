import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import type { SuiteDeclaration, SuiteFile, SuiteOrigin, SuiteTask } from "../../protocol/suiteDeclaration.ts";
import { findSuite, ownSuiteFiles, readSuiteFile } from "../../recipe/suiteFile.ts";
import { fileHash } from "../../storage/hash.ts";
import { readFetchRecord, writeFetchRecord } from "../../suites/fetchRecord.ts";
import { suiteFolders, suitesHome } from "../../suites/home.ts";
import { cachedPath, type FoundSuite, locateSuite } from "../../suites/locate.ts";
import { originPage } from "../../suites/published.ts";
import { knownSuites } from "../../suites/registry.ts";
import { type HubRepository, hubHeaders, hubPage, hubRefusal, offlineBy } from "../download/hub.ts";
import { download, patience, reasonOf, type Transfer } from "../download/transfer.ts";
import { takeTurn, type Waiting } from "../download/turn.ts";

/** A suite, or data that recipes train on, and where it is on this machine. */
export interface ListedSuite {
  readonly id: string;
  readonly title: string;
  readonly task: SuiteTask;
  readonly about: string;
  /** Prompts by side, or items. */
  readonly counts: Readonly<Record<string, number>>;
  readonly licence: string;
  readonly access: SuiteDeclaration["access"];
  readonly homepage: string | null;
  /** In a folder of the person's (`local`), fetched (`cached`), or neither; `local` where files are in both. */
  readonly state: "local" | "cached" | "missing";
  /** The files that are there. */
  readonly paths: readonly string[];
  /** The file that declares it, where a person wrote one. */
  readonly declaredBy: string | null;
  /** What is wrong with that file; the suite is then known by its id alone. */
  readonly fault: string | null;
}

/**
 * Every suite: those that Discern knows, and a person's own in folders called `suites` beside `root` and above it.
 *
 * @param folder a folder with files of suites, looked through before `DISCERN_DATA`.
 */
export async function listSuites(root: string, folder?: string): Promise<ListedSuite[]> {
  const folders = suiteFolders(folder);
  const known = knownSuites.map((declaration) => listed({ declaration, folder: null }, null, folders));
  const own = [...(await ownSuiteFiles(root))].map(async ([id, file]) => {
    try {
      return await listed(await readSuiteFile(file), file, folders);
    } catch (error) {
      if (!(error instanceof DiscernError)) throw error;
      return { ...unreadable, id, title: id, declaredBy: file, fault: error.message };
    }
  });
  return Promise.all([...known, ...own]);
}

const unreadable = {
  task: "refusal",
  about: "",
  counts: {},
  licence: "",
  access: "open",
  homepage: null,
  state: "missing",
  paths: [],
} as const;

async function listed(
  found: FoundSuite,
  declaredBy: string | null,
  folders: readonly string[],
): Promise<ListedSuite> {
  const { id, title, task, about, counts, licence, access, homepage } = found.declaration;
  const { files, missing } = await locateSuite(found, folders);
  const isCached = files.every(({ place }) => place === "cache");
  return {
    id,
    title,
    task,
    about,
    counts: { ...counts },
    licence,
    access,
    homepage: homepage ?? null,
    state: missing.length > 0 ? "missing" : isCached ? "cached" : "local",
    paths: files.map(({ path }) => path),
    declaredBy,
    fault: null,
  };
}

export interface FetchOptions extends Waiting {
  /** Folder against which the path of a suite file is resolved. */
  readonly root: string;
  readonly onProgress?: NonNullable<Transfer["onProgress"]>;
}

/** A file of a suite in the cache. */
export interface FetchedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Whether it was there already, and whether its checksum was known beforehand or is what the first fetch found. */
  readonly state: "present" | "fetched";
  readonly checksum: "declared" | "recorded";
}

/**
 * Fetches the files of a suite into the cache. An interrupted download is resumed by the next call; every file is checked by the
 * checksum that is declared, or by the one that its first fetch recorded. `HF_TOKEN` opens gated data sets, `HF_ENDPOINT` names a mirror
 * of the hub.
 *
 * @param reference id of a suite, or path of a suite file.
 * @throws DiscernError `file-missing` where there is no such suite, or one of its files is nowhere to be had; `download-failed` that says
 * what failed and names the page of what is gated; `disk-full`; the signal's reason.
 */
export async function fetchSuite(reference: string, options: FetchOptions): Promise<FetchedFile[]> {
  const { declaration } = await findSuite(reference, options.root);
  const lacking = declaration.files.find(({ from }) => from === undefined);
  if (lacking !== undefined) {
    throw new DiscernError(
      "file-missing",
      `The suite ${declaration.id} does not say where to fetch ${lacking.file} from ("from").`,
    );
  }
  const fetched: FetchedFile[] = [];
  for (const file of declaration.files) {
    fetched.push(await fetchFile(declaration, { ...file, from: file.from! }, options));
  }
  return fetched;
}

type OriginalFile = SuiteFile & { readonly from: SuiteOrigin };

async function fetchFile(
  suite: SuiteDeclaration,
  file: OriginalFile,
  options: FetchOptions,
): Promise<FetchedFile> {
  const path = cachedPath(suite, file);
  const folder = dirname(path);
  const present = await presentFile(path, file);
  if (present !== null) return present;
  const offline = offlineBy();
  if (offline !== null) {
    throw new DiscernError(
      "download-failed",
      `${file.file} of ${suite.id} is not in ${suitesHome()}, and ${offline} says to stay offline, so nothing was fetched. ` +
        `Unset ${offline}, or put the file into a folder that DISCERN_DATA or the setting discern.suites.folder names.`,
    );
  }
  const release = await takeTurn(folder, "DISCERN_SUITES", options);
  try {
    return (await presentFile(path, file)) ?? (await fetchInto(suite, file, path, options));
  } finally {
    await release();
  }
}

/** A file that was fetched before, if it still is what it was; null where it must be fetched. */
async function presentFile(path: string, { sha256 }: SuiteFile): Promise<FetchedFile | null> {
  const there = await stat(path).catch(() => null);
  if (there === null) return null;
  const expected = sha256 ?? (await readFetchRecord(path))?.sha256;
  const found = await fileHash(path);
  // A file that was changed in the cache is no longer the published one.
  if (expected !== undefined && found !== expected) return null;
  const checksum = sha256 === undefined ? "recorded" : "declared";
  return { path, bytes: there.size, sha256: found, state: "present", checksum };
}

async function fetchInto(
  suite: SuiteDeclaration,
  file: OriginalFile,
  path: string,
  { onProgress, signal }: FetchOptions,
): Promise<FetchedFile> {
  const { url, headers, explain } = addressOf(suite, file.from);
  const expected = file.sha256 ?? (await readFetchRecord(path))?.sha256;
  const checksum = expected === undefined ? null : ({ kind: "sha256", hex: expected } as const);
  const transfer: Transfer = {
    fetch,
    signal,
    ...patience,
    headers,
    explain,
    bytes: file.bytes,
    ...(onProgress ? { onProgress } : {}),
  };
  try {
    await download(url, path, checksum, file.file, transfer);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof DiscernError && error.code === "disk-full") throw error;
    throw new DiscernError(
      "download-failed",
      `${suite.id} could not be fetched from ${originPage(file.from)}: ${reasonOf(error)}`,
      { cause: error },
    );
  }
  const { size: bytes } = await stat(path);
  const sha256 = await fileHash(path);
  await writeFetchRecord(path, { url, sha256, bytes, fetched: new Date().toISOString() });
  return {
    path,
    bytes,
    sha256,
    state: "fetched",
    checksum: file.sha256 === undefined ? "recorded" : "declared",
  };
}

/** Where a file is fetched from, with what opens it, and what a refusal means. */
function addressOf(
  suite: SuiteDeclaration,
  from: SuiteOrigin,
): { url: string; headers: Record<string, string>; explain: NonNullable<Transfer["explain"]> } {
  const path = "path" in from ? from.path.split("/").map(encodeURIComponent).join("/") : "";
  if (from.type === "hub") {
    const repository: HubRepository = { type: "dataset", id: from.dataset };
    return {
      url: `${hubPage(repository)}/resolve/${encodeURIComponent(from.revision)}/${path}`,
      headers: hubHeaders(),
      explain(status) {
        const refusal = hubRefusal(repository, status);
        if (refusal === null || suite.access !== "user-only") return refusal;
        const terms = " Its terms forbid passing the file on: fetch it for your own use alone.";
        return new DiscernError("download-failed", `${refusal.message}${terms}`);
      },
    };
  }
  if (from.type === "url") return { url: from.url, headers: {}, explain: () => null };
  return {
    url: `https://raw.githubusercontent.com/${from.repository}/${encodeURIComponent(from.revision)}/${path}`,
    headers: {},
    explain: (status) =>
      status === 404
        ? new DiscernError(
            "download-failed",
            `GitHub answered 404: ${from.repository} has no ${from.path} at ${from.revision}, or is no longer public.`,
          )
        : null,
  };
}
