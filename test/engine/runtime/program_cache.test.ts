import { describe, expect, it } from "vitest";
import type { Program } from "../../../src/engine/runtime/program.ts";
import { ProgramCache } from "../../../src/engine/runtime/program_cache.ts";

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

  it("frees everything in the end, failed compilations or not", async () => {
    const cache = new ProgramCache(3);
    const [a, b] = [fake(), fake()];
    await cache.get("a", as(a));
    await cache.get("b", as(b));
    await cache.dispose();
    expect([a, b].every(({ disposed }) => disposed)).toBe(true);
  });
});
