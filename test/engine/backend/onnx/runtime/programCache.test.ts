import { describe, expect, it } from "vitest";
import type { Program } from "../../../../../src/engine/backend/onnx/runtime/program.ts";
import { ProgramCache } from "../../../../../src/engine/backend/onnx/runtime/programCache.ts";

/** Stands for a compiled graph and remembers whether it was freed. */
function fake() {
  const program = {
    disposed: false,
    dispose: async () => {
      program.disposed = true;
    },
  };
  return program;
}
const as = (program: ReturnType<typeof fake>) => async () => program as unknown as Program;

describe("ProgramCache", () => {
  it("compiles once a key", async () => {
    const cache = new ProgramCache(2);
    const a = fake();
    expect(await cache.get("a", as(a))).toBe(a);
    expect(await cache.get("a", as(fake()))).toBe(a);
  });

  it("frees the one least recently used when there are too many", async () => {
    const cache = new ProgramCache(2);
    const [a, b, c] = [fake(), fake(), fake()];
    await cache.get("a", as(a));
    await cache.get("b", as(b));
    await cache.get("a", as(a));
    await cache.get("c", as(c));
    expect([a, b, c].map(({ disposed }) => disposed)).toEqual([false, true, false]);
  });

  it("tries again after a compilation that failed", async () => {
    const cache = new ProgramCache(2);
    await expect(cache.get("a", () => Promise.reject(new Error("no memory")))).rejects.toThrow("no memory");
    const a = fake();
    expect(await cache.get("a", as(a))).toBe(a);
  });

  it("keeps the error of a compilation from whoever asks for another program meanwhile", async () => {
    const cache = new ProgramCache(1);
    let fail = (_error: Error): void => undefined;
    const failing = cache.get("failing", () => new Promise((_resolve, reject) => (fail = reject)));
    const expected = expect(failing).rejects.toThrow("no memory");
    const other = fake();
    const got = cache.get("other", as(other));
    fail(new Error("no memory"));
    expect(await got).toBe(other);
    await expected;
    expect(other.disposed).toBe(false);
  });

  it("does not free a program between its compilation and its first use", async () => {
    const cache = new ProgramCache(1);
    const [slow, quick, third] = [fake(), fake(), fake()];
    let finish = (_program: Program): void => undefined;
    const waiting = cache.get("slow", () => new Promise((resolve) => (finish = resolve)));
    await cache.get("quick", as(quick));
    finish(slow as unknown as Program);
    expect((await waiting) as unknown).toBe(slow);
    expect(slow.disposed).toBe(false);
    await cache.get("third", as(third));
    expect([slow, quick, third].map(({ disposed }) => disposed)).toEqual([true, true, false]);
  });

  it("frees what compiled even when another compilation fails while all are freed", async () => {
    const cache = new ProgramCache(3);
    const a = fake();
    let fail = (_error: Error): void => undefined;
    const failing = cache.get("failing", () => new Promise((_resolve, reject) => (fail = reject)));
    const expected = expect(failing).rejects.toThrow("no memory");
    await cache.get("a", as(a));
    const disposed = cache.dispose();
    fail(new Error("no memory"));
    await disposed;
    await expected;
    expect(a.disposed).toBe(true);
  });

  it("frees everything in the end, failed compilations or not", async () => {
    const cache = new ProgramCache(3);
    const [a, b] = [fake(), fake()];
    await cache.get("a", as(a));
    await cache.get("b", as(b));
    await cache.dispose();
    expect([a, b].every(({ disposed }) => disposed)).toBe(true);
  });
});
