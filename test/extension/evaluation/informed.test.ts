import { describe, expect, test } from "vitest";
import { bestInformed, type Informed, sinceAsked } from "../../../src/extension/evaluation/informed.ts";

const keys = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `prompt ${from + i}`);
const file = new Set(keys(0, 96));

/** Runs by name, newest first; what was looked at. */
async function best(runs: Record<string, Informed | null>) {
  const looked: string[] = [];
  const found = await bestInformed(Object.keys(runs), file, async (name) => {
    looked.push(name);
    return runs[name]!;
  });
  return { found, looked };
}

const answered = (...known: string[]) => ({ keys: new Set(known), scored: false });
const scored = (...known: string[]) => ({ keys: new Set(known), scored: true });

describe("the run that a file shows", () => {
  test("is the one that evaluated most of its prompts, and not the newest of eight", async () => {
    const { found } = await best({ small: answered(...keys(0, 8)), large: answered(...keys(4, 96)) });
    expect(found).toBe("large");
  });

  test("is the newest of those that evaluated as many, and no older one is looked at once all are known", async () => {
    const all = answered(...keys(0, 200));
    expect(await best({ other: answered("elsewhere"), new: all, old: all })).toEqual({
      found: "new",
      looked: ["other", "new"],
    });
    expect((await best({ a: answered(...keys(0, 8)), b: answered(...keys(8, 16)) })).found).toBe("a");
  });

  test("is one with answers before one of as many scores, and more scores before few answers", async () => {
    const some = await best({ scores: scored(...keys(0, 96)), run: answered(...keys(0, 96)) });
    expect(some.found).toBe("run");
    expect((await best({ run: answered(...keys(0, 8)), scores: scored(...keys(0, 96)) })).found).toBe(
      "scores",
    );
  });

  test("is one that answered the prompts held out of training, and not one that scored all before", async () => {
    const runs = { experiment: answered(...keys(72, 96)), scores: scored(...keys(0, 96)) };
    expect((await best(runs)).found).toBe("experiment");
  });

  test("is not older than the one that was asked about it, as long as that is there", () => {
    const runs = ["experiment", "scores", "old"];
    expect(sinceAsked(runs, (run) => run === "scores")).toEqual(["experiment", "scores"]);
    expect(sinceAsked(runs, (run) => run === "gone")).toEqual(runs);
  });

  test("is none where nobody evaluated any of them, or reports cannot be read", async () => {
    expect((await best({ broken: null, other: answered("elsewhere") })).found).toBeNull();
    expect((await best({})).found).toBeNull();
  });
});
