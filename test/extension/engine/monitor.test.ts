import { expect, test } from "vitest";
import { Responsiveness } from "../../../src/extension/engine/monitor.ts";
import { Work } from "../../../src/extension/engine/work.ts";

const limit = 1000;
const quiet = (ms: number) => ({ quiet: ms });

test("an engine is unresponsive at the second bad look in a row, told once, and back at the first good one", () => {
  const engine = new Responsiveness(() => limit);
  const silent = { ping: null, work: "none" } as const;
  const fine = { ping: quiet(0), work: "quick" } as const;
  const looks = [silent, fine, silent, silent, silent, fine, fine];
  const news = looks.map((each) => engine.look(each));
  expect(news).toEqual([null, null, null, "unresponsive", null, "back", null]);
});

test("how long the main thread may be silent depends on what was asked of it", () => {
  const told = (work: "none" | "quick" | "long", ms: number) => {
    const engine = new Responsiveness(() => limit);
    engine.look({ ping: quiet(ms), work });
    return engine.look({ ping: quiet(ms), work }) === "unresponsive";
  };
  expect([told("none", 1e6), told("quick", 999), told("quick", 1001)]).toEqual([false, false, true]);
  expect([told("long", 9_999), told("long", 10_001)]).toEqual([false, true]);
});

test("work is long while one of the pending requests is", async () => {
  const work = new Work();
  expect(work.kind).toBe("none");
  const first = Promise.withResolvers<void>();
  const second = Promise.withResolvers<void>();
  const both = [work.during("recipe", first.promise), work.during("generate", second.promise)];
  expect(work.kind).toBe("long");
  second.reject(new Error("no"));
  await expect(both[1]).rejects.toThrow("no");
  expect(work.kind).toBe("quick");
  first.resolve();
  await both[0];
  expect(work.kind).toBe("none");
});
