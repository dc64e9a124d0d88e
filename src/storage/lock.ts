import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { isGone, ownIdentity, processIdentitySchema } from "./processIdentity.ts";

/** Who holds a lock. */
const ownerSchema = processIdentitySchema.extend({
  /** Tells this holding of the lock from every other. */
  token: z.string().regex(/^[0-9a-f]{16}$/),
  started: z.iso.datetime(),
});
export type LockOwner = z.infer<typeof ownerSchema>;

/** A lock that was asked for: taken, or held by another. */
export type Lock =
  | { readonly taken: true; release(): Promise<void> }
  /** `owner` is null where the lock is damaged, so that nobody can tell who holds it. */
  | { readonly taken: false; readonly owner: LockOwner | null };

const ownerFile = "owner.json";
/** Codes of a rename for which another lock may be in the way, or on Windows a reader of it. */
const inTheWay = new Set(["ENOTEMPTY", "EEXIST", "EPERM", "EACCES", "EBUSY", "ENOTDIR"]);
/** Times that a lock is looked at which changes hands, or cannot be read, and milliseconds in between. */
const attempts = 100;
const pause = 10;

/**
 * Takes a lock. It is a folder with the owner's identity inside, which is made aside and renamed: a folder cannot be renamed
 * over another that holds something, so of several takers one wins, and the lock appears with its owner or not at all.
 * That needs no hard links, which exFAT and some network and FUSE file systems lack, and holds on Windows too.
 *
 * A lock whose owner has ended is taken away, and then whoever is first takes it. Taking away is where such locks go
 * wrong: who has seen a dead owner may be late, and take away the lock of the next one. So it needs another lock, named
 * after the dead owner's token, and under that lock the token is looked at once more. Nobody else can take away the lock
 * with this token meanwhile, and a token never comes back. A process that is killed in between leaves that other lock,
 * which is dealt with in the same way.
 *
 * @param path of the lock; its parent folder exists.
 * @throws the file system's own error where the lock cannot be made.
 */
export async function takeLock(path: string): Promise<Lock> {
  const own: LockOwner = {
    ...(await ownIdentity()),
    token: randomBytes(8).toString("hex"),
    started: new Date().toISOString(),
  };
  const aside = `${path}.${own.token}.new`;
  await mkdir(aside);
  try {
    await writeSynced(join(aside, ownerFile), `${JSON.stringify(own)}\n`);
    let refusal: unknown = null;
    for (let attempt = 0; attempt < attempts; attempt++) {
      refusal = await rename(aside, path).then(
        () => null,
        (error: unknown) => error,
      );
      const owner = await readOwner(path);
      // Also where the rename seems to have failed: over a network the answer may be lost.
      if (owner?.token === own.token) {
        await sweep(path, own.token);
        return { taken: true, release: () => release(path, own.token) };
      }
      if (owner !== null && !(await isGone(owner))) return { taken: false, owner };
      if (owner === null && !inTheWay.has(codeOf(refusal))) throw refusal;
      if (owner === null || !(await takeAway(path, owner.token))) await sleep(pause);
    }
    if (await exists(path)) return { taken: false, owner: await readOwner(path) };
    throw refusal;
  } finally {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Who holds a lock at present; null when nobody does, or the one who did has ended. */
export async function lockOwner(path: string): Promise<LockOwner | null> {
  const owner = await readOwner(path);
  return owner === null || (await isGone(owner)) ? null : owner;
}

/** Takes away the lock of a dead owner. @returns false where another process is at it. */
async function takeAway(path: string, token: string): Promise<boolean> {
  const turn = await takeLock(`${path}.${token}`);
  if (!turn.taken) return false;
  try {
    await release(path, token);
  } finally {
    await turn.release();
  }
  return true;
}

/** Takes away the lock with this token, and no other one. */
async function release(path: string, token: string): Promise<void> {
  const old = `${path}.${token}.old`;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if ((await readOwner(path))?.token !== token) return;
    try {
      // At once: were its file deleted first, another process could put its lock there before the folder is.
      await rename(path, old);
      await rm(old, { recursive: true, force: true });
      return;
    } catch {
      // On Windows a folder cannot be renamed while somebody reads its file. A lock that stays ends with its owner.
      await sleep(pause);
    }
  }
}

/** Removes what processes left that were killed while they took this lock or gave it back. */
async function sweep(path: string, token: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch((): string[] => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || name.includes(token)) continue;
    const left = join(dirname(path), name);
    const owner = await readOwner(left);
    if (owner !== null && (await isGone(owner)))
      await rm(left, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function readOwner(path: string): Promise<LockOwner | null> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(join(path, ownerFile), "utf8")));
  } catch {
    return null;
  }
}

/** Synced, or a machine that loses power could leave a lock of nobody. */
async function writeSynced(path: string, text: string): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? "";
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
