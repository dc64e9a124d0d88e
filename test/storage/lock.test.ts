import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { lockOwner, takeLock } from "../../src/storage/lock.ts";
import { isGone, ownIdentity } from "../../src/storage/processIdentity.ts";
import { tempFolder } from "../tempFolder.ts";

/** Rounds of each kind; DISCERN_LOCK_ROUNDS sets more for a long trial. */
const rounds = Number(process.env.DISCERN_LOCK_ROUNDS ?? 100);

let path: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  path = join(tempFolder(), "lock");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

type Answer = { taken?: boolean; owner?: number | null; error?: string };

const answer = async (child: ChildProcess) => (await once(child, "message"))[0] as Answer;

async function contender(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, "lockChild.ts"), { execArgv: [] });
  children.push(child);
  await answer(child);
  return child;
}

async function ask(child: ChildProcess, at = 0): Promise<Answer> {
  const answered = answer(child);
  child.send({ path, at });
  return answered;
}

/** A lock that a process left which was killed. */
async function killedLock(): Promise<void> {
  const owner = await contender();
  expect(await ask(owner)).toMatchObject({ taken: true });
  owner.kill("SIGKILL");
  await once(owner, "exit");
}

/** All ask in one moment. @returns their answers; whoever has the lock gives it back afterwards. */
async function race(contenders: readonly ChildProcess[]): Promise<Answer[]> {
  const at = Date.now() + 4;
  const answers = await Promise.all(contenders.map((child) => ask(child, at)));
  await Promise.all(
    contenders.map(async (child) => {
      const released = answer(child);
      child.send("release");
      await released;
    }),
  );
  return answers;
}

describe.each([2, 4])("of %i processes", (count) => {
  test(`one at the most takes a lock whose owner was killed, in ${rounds} rounds`, async () => {
    await killedLock();
    const stale = join(path, "../stale");
    cpSync(path, stale, { recursive: true });
    const template = readFileSync(join(stale, "owner.json"), "utf8");
    const contenders = await Promise.all(Array.from({ length: count }, contender));
    const winners = [];
    for (let round = 0; round < rounds; round++) {
      path = join(stale, `../${round}/lock`);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, "owner.json"), template);
      const answers = await race(contenders);
      winners.push(answers.filter(({ taken }) => taken).length);
      expect(answers.filter(({ error }) => error)).toEqual([]);
      expect(readdirSync(join(path, ".."))).toEqual([]);
    }
    expect(winners).toEqual(Array(rounds).fill(1));
  });

  test(`one takes a lock that nobody has, in ${rounds} rounds`, async () => {
    const contenders = await Promise.all(Array.from({ length: count }, contender));
    const winners = [];
    for (let round = 0; round < rounds; round++) {
      winners.push((await race(contenders)).filter(({ taken }) => taken).length);
    }
    expect(winners).toEqual(Array(rounds).fill(1));
  });
});

test("nobody takes the lock of a process that lives, and all are told who has it", async () => {
  const owner = await contender();
  await ask(owner);
  const contenders = await Promise.all([contender(), contender()]);
  for (let round = 0; round < 20; round++) {
    const answers = await race(contenders);
    expect(answers).toEqual(Array(2).fill({ taken: false, owner: owner.pid }));
  }
  owner.kill("SIGSTOP");
  // Where the system says how a process fares, it is halted before the lock is asked for.
  const status = `/proc/${owner.pid}/status`;
  while (existsSync(status) && !/^State:\tT/m.test(readFileSync(status, "utf8"))) await sleep(1);
  expect(await ask(contenders[0]!)).toMatchObject({ taken: false, owner: owner.pid });
});

test("a process that was killed while it took a dead one's lock away is no obstacle", async () => {
  await killedLock();
  const { token } = JSON.parse(readFileSync(join(path, "owner.json"), "utf8")) as { token: string };
  const lock = path;
  path = `${lock}.${token}`;
  await killedLock();
  path = lock;
  const answers = await race(await Promise.all([contender(), contender(), contender()]));
  expect(answers.filter(({ taken }) => taken)).toHaveLength(1);
  expect(readdirSync(join(lock, ".."))).toEqual([]);
});

test("a later process with the owner's id, a zombie and a process before the machine was started anew have ended", async () => {
  const own = await ownIdentity();
  expect(own.birth).not.toBeNull();
  expect(await isGone(own)).toBe(false);
  expect(await isGone({ ...own, birth: "another" })).toBe(true);
  // Nobody waits for the inner process, so that it stays a zombie while the outer one lives.
  const outer = fork(join(import.meta.dirname, "zombieChild.ts"), { execArgv: [] });
  children.push(outer);
  const { owner: zombie } = await answer(outer);
  while (!(await isGone({ ...own, pid: zombie!, birth: null }))) await sleep(5);
});

test("what cannot be seen from here is alive: another machine, another installation, another container", async () => {
  const own = await ownIdentity();
  const dead = { ...own, pid: 2 ** 22 + 1 };
  expect(await isGone(dead)).toBe(true);
  for (const elsewhere of [{ host: "another" }, { machine: "another" }, { namespace: "pid:[1]" }]) {
    expect(await isGone({ ...dead, machine: own.machine ?? "this", ...elsewhere })).toBe(
      own.machine === null && "machine" in elsewhere,
    );
  }
});

test("a damaged lock is nobody's to take, and a folder that is not there is an error", async () => {
  mkdirSync(path);
  writeFileSync(join(path, "owner.json"), "{");
  expect(await takeLock(path)).toEqual({ taken: false, owner: null });
  expect(await lockOwner(path)).toBeNull();
  await expect(takeLock(join(path, "none/lock"))).rejects.toMatchObject({ code: "ENOENT" });
});
