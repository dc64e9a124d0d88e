import { mkdirSync, readdirSync } from "node:fs";
import type * as fs from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { BestState } from "../../../src/engine/run/best.ts";
import { loadCheckpoint, saveCheckpoint } from "../../../src/engine/run/checkpoint.ts";
import { removeNeighbours, writeAtomic } from "../../../src/storage/atomic.ts";
import { tempFolder } from "../../tempFolder.ts";

/** The operation that fails, counted from the last reset; with `killed` so does every later one, clean-up too. */
const fault = { at: Number.POSITIVE_INFINITY, killed: false, count: 0 };
function reset(at = Number.POSITIVE_INFINITY, killed = false): void {
  Object.assign(fault, { at, killed, count: 0 });
}
function fails(): boolean {
  fault.count += 1;
  return fault.killed ? fault.count >= fault.at : fault.count === fault.at;
}

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof fs>();
  type Operation = (...args: never[]) => Promise<unknown>;
  const injected = (code = "EIO") => Object.assign(new Error(`injected ${code}`), { code });
  const failing =
    (operation: Operation): Operation =>
    async (...args) => {
      if (fails()) throw injected();
      return operation(...args);
    };
  const names = ["rename", "rm", "mkdir", "readdir", "readFile"] as const;
  const operations = Object.fromEntries(names.map((name) => [name, failing(real[name] as Operation)]));
  return {
    ...real,
    ...operations,
    async open(...args: Parameters<typeof real.open>) {
      if (fails()) throw injected();
      const file = await real.open(...args);
      const { write, writeFile, sync, close } = file;
      const half = (bytes: string | Uint8Array) => bytes.slice(0, bytes.length >> 1);
      file.write = (async (bytes: Uint8Array, ...rest: never[]) => {
        if (!fails()) return write.call(file, bytes as never, ...rest);
        await write.call(file, half(bytes) as never);
        throw injected("ENOSPC");
      }) as never;
      file.writeFile = (async (bytes: string | Uint8Array) => {
        if (!fails()) return writeFile.call(file, bytes as never);
        await writeFile.call(file, half(bytes) as never);
        throw injected("ENOSPC");
      }) as never;
      file.sync = async () => {
        if (fails()) throw injected();
        await sync.call(file);
      };
      file.close = async () => {
        await close.call(file);
        if (fails()) throw injected();
      };
      return file;
    },
  };
});

let root: string;
beforeEach(() => {
  reset();
  root = join(tempFolder(), "run", "checkpoints");
  mkdirSync(root, { recursive: true });
});

const state = (step: number, value: number) => ({
  step,
  tensors: new Map([["weights", { shape: [5], data: new Float32Array(5).fill(value) }]]),
  history: {},
});
const save = (step: number, value: number) =>
  saveCheckpoint(root, { stage: 0, globalStep: step, state: state(step, value) }, 2);
/** Step and value of the checkpoint that a resumed run would find; every number of it must be the same. */
async function found(): Promise<[step: number, value: number] | null> {
  const { checkpoint, skipped } = await loadCheckpoint(root);
  expect(skipped).toEqual([]);
  if (checkpoint === null) return null;
  const { data } = checkpoint.state.tensors.get("weights")!;
  expect(new Set(data).size).toBe(1);
  return [checkpoint.state.step, data[0]!];
}
const files = () =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

describe.each([
  ["fails", false],
  ["is killed at", true],
] as const)("a save that %s any one operation", (_, killed) => {
  test.each([
    ["of the next checkpoint", 8, 2],
    ["of a checkpoint that is there already", 4, 2],
  ])(
    "%s leaves the old or the new one whole, and nothing behind once it succeeds",
    async (_, step, value) => {
      let at = 1;
      for (let ended = false; !ended; at++) {
        root = join(tempFolder(), "run", "checkpoints");
        mkdirSync(root, { recursive: true });
        reset();
        await save(4, 1);
        reset(at, killed);
        const failed = await save(step, value).then(
          () => false,
          () => true,
        );
        ended = fault.count < at;
        reset();
        const now = await found();
        expect([`operation ${at}`, now]).toEqual([
          `operation ${at}`,
          failed && now?.[1] === 1 ? [4, 1] : [step, value],
        ]);
        await save(12, 3);
        await save(16, 4);
        expect(await found()).toEqual([16, 4]);
        expect(files()).toHaveLength(4);
      }
      // As many as a save has; a loop that ended at once would have tried nothing.
      expect(at).toBeGreaterThan(15);
    },
  );

  test("of the first checkpoint leaves none or a whole one", async () => {
    for (let at = 1, ended = false; !ended; at++) {
      root = join(tempFolder(), "run", "checkpoints");
      mkdirSync(root, { recursive: true });
      reset(at, killed);
      const failed = await save(4, 1).then(
        () => false,
        () => true,
      );
      ended = fault.count < at;
      reset();
      const now = await found();
      if (!failed || now !== null) expect(now).toEqual([4, 1]);
    }
  });

  test("of a better state keeps the best before or the new one", async () => {
    const figures = (gap: number) => ({
      toxic: { mean: gap, perPrompt: [] },
      seeminglyToxic: { mean: 0, perPrompt: [] },
      general: { mean: 0, perPrompt: [] },
      generalLoss: 0,
    });
    const stage = (value: number) => ({ step: 5, state: async () => state(5, value) }) as never;
    for (let at = 1, ended = false; !ended; at++) {
      root = join(tempFolder(), "run", "checkpoints");
      mkdirSync(root, { recursive: true });
      reset();
      const best = await BestState.open(root, 0, "supervised");
      await best.offer(stage(1), 5, figures(0.1));
      reset(at, killed);
      const failed = await best.offer(stage(2), 5, figures(0.2)).then(
        () => false,
        () => true,
      );
      ended = fault.count < at;
      reset();
      // A checkpoint that is saved in between clears up and must not take the best state away.
      await save(8, 3);
      const kept = await (await BestState.open(root, 0, "supervised")).state();
      const value = kept?.tensors.get("weights")?.data[0];
      expect(failed ? [1, 2] : [2]).toContain(value);
    }
  });
});

describe("a file that is written whole", () => {
  test("by two of one process at once is one of them, and neither fails", async () => {
    const path = join(root, "file.json");
    const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(200_000));
    await Promise.all(texts.map((text) => writeAtomic(path, text)));
    const { readFile } = await vi.importActual<typeof fs>("node:fs/promises");
    expect(texts).toContain(await readFile(path, "utf8"));
    expect(readdirSync(root)).toEqual(["file.json"]);
  });

  test("by a process that was killed leaves a neighbour, which is cleared away, and nothing else is", async () => {
    await writeAtomic(join(root, "kept.json"), "old");
    await writeAtomic(join(root, "mine.tmp"), "a person's");
    reset(3, true);
    await expect(writeAtomic(join(root, "kept.json"), "new")).rejects.toThrow(/injected/);
    reset();
    expect(readdirSync(root)).toHaveLength(3);
    await removeNeighbours(root);
    expect(readdirSync(root).sort()).toEqual(["kept.json", "mine.tmp"]);
  });
});
