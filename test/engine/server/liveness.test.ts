import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { askLiveness } from "../../../src/connection/client.ts";

test("a main thread that is lost in computing is asked after, and told to stop", async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "busyChild.ts")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit");
  const [pipe] = (await once(createInterface(child.stdout), "line")) as [string];
  const first = await askLiveness(pipe, "ping");
  expect(first).toMatchObject({ pid: child.pid, stopping: false });
  // Its heart has stopped: the quiet grows and never starts anew.
  const quiet = [first.quiet];
  while (quiet.at(-1)! < 1000) quiet.push((await askLiveness(pipe, "ping")).quiet);
  expect(quiet).toEqual(quiet.toSorted((a, b) => a - b));
  expect(await askLiveness(pipe, "stop")).toMatchObject({ stopping: true, keepBest: false });
  expect(await ended).toEqual([0, null]);
  expect(existsSync(pipe)).toBe(false);
});
