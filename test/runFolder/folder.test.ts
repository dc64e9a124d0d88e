import { mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { openRun, prepareRunFolder } from "../../src/runFolder/folder.ts";
import { lockHolder, lockRun } from "../../src/runFolder/lock.ts";
import { writeLock } from "../runLock.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "discern-run-"));
});

test("a run folder is one process's at a time", async () => {
  const release = await lockRun(folder);
  await expect(lockRun(folder)).rejects.toMatchObject({ code: "run-busy" });
  expect(await lockHolder(folder)).toMatchObject({ pid: process.pid });
  await release();
  expect(await readdir(folder)).toEqual([]);
  await (await lockRun(folder))();
});

test("the lock of a process that died is taken over, that of another machine is not", async () => {
  writeLock(folder, { pid: 2 ** 22 + 1 });
  await (await lockRun(folder))();
  writeLock(folder, { pid: 1, host: "another-machine" });
  await expect(lockRun(folder)).rejects.toMatchObject({ code: "run-busy" });
});

test("a file in place of the folder is an unwritable run folder", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  await expect(prepareRunFolder(file)).rejects.toMatchObject({ code: "run-unwritable" });
});

test.each([
  ["no manifest", "", /no manifest\.json/],
  ["a broken manifest", "{", /damaged/],
])("a folder with %s is no run", async (_, manifest, message) => {
  if (manifest) await writeFile(join(folder, "manifest.json"), manifest);
  await expect(openRun(folder)).rejects.toThrow(message);
});

test("a folder that holds a run is not begun anew", async () => {
  await writeFile(join(folder, "manifest.json"), "{}");
  await expect(prepareRunFolder(folder)).rejects.toMatchObject({ code: "run-invalid" });
});
