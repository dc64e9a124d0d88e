/**
 * Fetches a model of the hub into the cache that Python's libraries share (`modelsHome/hubCache.ts` reads it), in their layout, so that
 * nothing is stored twice. Python may use or fill the cache at the same time: huggingface_hub holds locks of the operating system's, which
 * Node.js cannot take, and does not rely on them either. What keeps the cache whole is the same on both sides: bytes go into a file of
 * one's own, and a blob, a link or a ref gets its name by being renamed, when it is whole. Among Discern's processes one fetches a model at a
 * time, so that an interrupted file can be resumed.
 */
import {
  copyFile,
  mkdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  statfs,
  symlink,
} from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fullRevision } from "../../../modelsHome/hubCache.ts";
import { hubCacheHome } from "../../../modelsHome/hubHome.ts";
import { type HubName, hubFolderName } from "../../../modelsHome/hubName.ts";
import { DiscernError } from "../../../protocol/errors.ts";
import { greatestOf } from "../../../statistics/extremes.ts";
import { writeAtomic } from "../../../storage/atomic.ts";
import { byteSize } from "../../../wording/numbers.ts";
import { hubHeaders, hubRefusal } from "../../download/hub.ts";
import { download, type Transfer } from "../../download/transfer.ts";
import { takeTurn, type Waiting } from "../../download/turn.ts";
import { type HubCommit, type HubFile, type HubModelKind, hubCommit } from "./hubFiles.ts";

/**
 * Fetches what a name of the hub means now, but for what the cache has.
 *
 * @returns the path of the snapshot, or of the one file that was named, and how many files were fetched.
 * @throws DiscernError `download-failed`, `disk-full`; the reason of an abort.
 */
export async function pullFromHub(
  asked: HubName,
  transfer: Transfer,
  { kind, ...waiting }: Waiting & { readonly kind?: HubModelKind | undefined },
): Promise<{ path: string; fetched: number }> {
  const home = hubCacheHome();
  // The hub knows branches, tags and whole commits.
  const name = await fullRevision(asked, home);
  const folder = join(home, hubFolderName(name.id));
  const lock = join(home, ".locks", hubFolderName(name.id), "discern.lock");
  const release = await takeTurn(folder, "HF_HUB_CACHE", waiting, lock);
  try {
    const found = await hubCommit(name, transfer, kind);
    const snapshot = join(folder, "snapshots", found.commit);
    await refuseFullDisk(folder, snapshot, found);
    let fetched = 0;
    for (const file of found.files) {
      fetched += await pullFile(file, folder, snapshot, {
        ...transfer,
        headers: hubHeaders(),
        explain: (status, code) =>
          hubRefusal({ type: "model", id: found.id, revision: name.revision }, status, code),
      });
    }
    await writeRef(folder, name.revision ?? "main", found.commit);
    return { path: name.file === null ? snapshot : join(snapshot, ...name.file.split("/")), fetched };
  } finally {
    await release();
  }
}

/** Fetches a file, unless the cache has it, and gives it its name in the snapshot. @returns how many files were fetched. */
async function pullFile(file: HubFile, folder: string, snapshot: string, transfer: Transfer): Promise<0 | 1> {
  const named = join(snapshot, ...file.name.split("/"));
  if ((await sizeOf(named)) === file.bytes) return 0;
  const blob = join(folder, "blobs", file.checksum.hex);
  const had = (await sizeOf(blob)) === file.bytes;
  if (!had) {
    await download(file.url, blob, file.checksum, file.name, {
      ...transfer,
      bytes: file.bytes,
      // The ending by which Python knows what is not whole, under a name that only Discern takes up again.
      part: `${blob}.discern.incomplete`,
    });
  }
  await mkdir(dirname(named), { recursive: true });
  await nameFile(blob, named, !had);
  return had ? 0 : 1;
}

/**
 * Gives a blob its name in a snapshot: by a relative link, as Python does, so that the cache can be moved; by the file itself where the
 * system has no links.
 *
 * @param isNew whether no other snapshot can have it: then the file is moved, and not copied.
 */
async function nameFile(blob: string, named: string, isNew: boolean): Promise<void> {
  const target = relative(dirname(named), blob);
  if (!linksAreOff()) {
    try {
      await rm(named, { force: true });
      await symlink(target, named);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Python was faster.
      if (code === "EEXIST" && (await isLinkTo(named, blob))) return;
      if (!["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "UNKNOWN"].includes(code ?? ""))
        throw error;
    }
  }
  if (isNew) return rename(blob, named);
  const aside = `${named}.discern.incomplete`;
  await copyFile(blob, aside);
  await rename(aside, named);
}

async function isLinkTo(named: string, blob: string): Promise<boolean> {
  return (
    (await readlink(named).catch(() => null)) !== null && (await realpath(named)) === (await realpath(blob))
  );
}

function linksAreOff(): boolean {
  return ["1", "ON", "YES", "TRUE"].includes((process.env.HF_HUB_DISABLE_SYMLINKS ?? "").toUpperCase());
}

/** Notes the commit of a branch or tag, last of all: until then the cache's older commit is what the name means. */
async function writeRef(folder: string, revision: string, commit: string): Promise<void> {
  if (revision === commit) return;
  const path = join(folder, "refs", ...revision.split("/"));
  if ((await readFile(path, "utf8").catch(() => "")) === commit) return;
  await mkdir(dirname(path), { recursive: true });
  await writeAtomic(path, commit);
}

/** @throws DiscernError `disk-full` before anything is fetched, where the disk cannot hold it. */
async function refuseFullDisk(folder: string, snapshot: string, { id, files }: HubCommit): Promise<void> {
  let needed = 0;
  for (const { name, bytes, checksum } of files) {
    const blob = join(folder, "blobs", checksum.hex);
    const there = [join(snapshot, ...name.split("/")), blob, `${blob}.discern.incomplete`];
    const sizes = await Promise.all(there.map(sizeOf));
    needed += Math.max(0, bytes - greatestOf(sizes));
  }
  const disk = await statfs(folder).catch(() => null);
  const free = disk === null ? Number.POSITIVE_INFINITY : disk.bavail * disk.bsize;
  if (free >= needed) return;
  throw new DiscernError(
    "disk-full",
    `${id} needs ${byteSize(needed)} more in ${folder}, and the disk has ${byteSize(free)} free. Make room, or name another folder in HF_HUB_CACHE.`,
  );
}

/** Size of a file, or of what a link leads to; -1 where there is none. */
async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? found.size : -1;
}
