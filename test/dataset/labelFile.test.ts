import { appendFile, readFile, rename, rm, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { LabelFile } from "../../src/dataset/labelFile.ts";
import { nextTime } from "../../src/dataset/labelHistory.ts";
import { appendLabels, currentDecisions, readLabels } from "../../src/dataset/labels.ts";
import type { LabelRecord } from "../../src/protocol/label.ts";
import { temporaryFile } from "./files.ts";

const log = (content = "") => temporaryFile("p.csv.labels.jsonl", content);
const labelsOf = (file: LabelFile) => new Map([...file.current].map(([id, { label }]) => [id, label]));
const line = (id: string, label: string, second: number, by = "ann") =>
  JSON.stringify({ id, label, by, at: new Date(Date.UTC(2026, 0, 1, 10, 0, second)).toISOString() });

const id = fc.constantFrom("p", "q", "r");
const choice = fc.record({ id, label: fc.constantFrom("toxic", "general", "skip", null) });
const choices = fc.uniqueArray(choice, { minLength: 1, maxLength: 3, selector: (it) => it.id });
const step = fc.oneof(
  { weight: 3, arbitrary: choices },
  fc.constant("undo" as const),
  fc.constant("redo" as const),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Does one step, and says what it told. */
function act(file: LabelFile, by: string, what: Step) {
  if (what === "undo") return file.undo(by);
  return what === "redo" ? file.redo(by) : file.decide(by, what);
}

describe("undo and redo", () => {
  test("any steps, read again from disk between them, are those of a model in memory", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 14 }), async (steps) => {
        const path = await log();
        let file = new LabelFile(path);
        let past: Map<string, unknown>[] = [];
        let future: Map<string, unknown>[] = [];
        let now = new Map<string, unknown>();
        for (const [what, restart] of steps) {
          if (restart) file = new LabelFile(path);
          const told = await act(file, "ann", what);
          if (what === "undo") {
            expect(told === null).toBe(past.length === 0);
            if (past.length > 0) [future, now, past] = [[...future, now], past.at(-1)!, past.slice(0, -1)];
          } else if (what === "redo") {
            expect(told === null).toBe(future.length === 0);
            if (future.length > 0)
              [past, now, future] = [[...past, now], future.at(-1)!, future.slice(0, -1)];
          } else {
            [past, future] = [[...past, now], []];
            now = new Map([...now, ...what.map(({ id, label }) => [id, label] as const)]);
          }
          await file.read();
          expect(labelsOf(file)).toEqual(now);
          const again = new LabelFile(path);
          await again.read();
          for (const { current, history } of [
            { current: labelsOf(file), history: file.history("ann") },
            { current: labelsOf(again), history: again.history("ann") },
          ]) {
            expect(current).toEqual(now);
            expect(history.canUndo).toBe(past.length > 0);
            expect(history.canRedo).toBe(future.length > 0);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  test("two writers lose nothing, and undo none of each other's decisions", async () => {
    const turns = fc.array(fc.tuple(fc.constantFrom("ann", "ben"), step), { maxLength: 16 });
    await fc.assert(
      fc.asyncProperty(turns, async (list) => {
        const path = await log();
        const files = { ann: new LabelFile(path), ben: new LabelFile(path) };
        let made = 0;
        for (const [by, what] of list) {
          const file = files[by];
          await file.read();
          const before = new Map(file.current);
          if (await act(file, by, what)) made++;
          for (const [prompt, held] of before) {
            if (held.by === by || Array.isArray(what)) continue;
            const since = file.current.get(prompt);
            // A redo may hold again over a decision that was there when it was first made; an undo never.
            if (what === "undo") expect(since).toEqual(held);
          }
        }
        const { decisions, problems } = await readLabels(path);
        expect(problems).toEqual([]);
        expect(new Set(decisions.map(({ at }) => at)).size).toBe(made);
        for (const file of Object.values(files)) {
          await file.read();
          expect(file.current).toEqual(currentDecisions(decisions));
        }
      }),
      { numRuns: 60 },
    );
  });

  test("an undo of one step is not done to another that came after it", async () => {
    const file = new LabelFile(await log());
    await file.decide("ann", [
      { id: "p", label: "toxic" },
      { id: "q", label: "toxic" },
    ]);
    const that = file.history("ann").lastDone!;
    await file.decide("ann", [{ id: "r", label: "general" }]);
    expect(await file.undo("ann", that)).toBeNull();
    expect(labelsOf(file)).toEqual(
      new Map([
        ["p", "toxic"],
        ["q", "toxic"],
        ["r", "general"],
      ]),
    );
    // Once that is undone, it is the last one again.
    await file.undo("ann");
    expect(await file.undo("ann", that)).toEqual(new Set(["p", "q"]));
  });

  test("an undone first decision is withdrawn, and what another says holds again", async () => {
    const path = await log(`${line("p", "general", 0, "ben")}\n`);
    const file = new LabelFile(path);
    await file.decide("ann", [{ id: "p", label: "toxic" }]);
    expect(await file.undo("ann")).toEqual(new Set(["p"]));
    expect(file.current.get("p")).toMatchObject({ label: "general", by: "ben" });
    expect(file.decisions.at(-1)).toMatchObject({ label: "withdrawn", by: "ann", undo: true });
    await file.redo("ann");
    expect(file.current.get("p")).toMatchObject({ label: "toxic", by: "ann", redo: true });
  });

  test("somebody else's later decision stands through undo and redo", async () => {
    const path = await log();
    const [ann, ben] = [new LabelFile(path), new LabelFile(path)];
    await ann.decide("ann", [{ id: "p", label: "skip" }]);
    await ann.decide("ann", [
      { id: "p", label: "toxic" },
      { id: "q", label: "toxic" },
    ]);
    await ben.decide("ben", [{ id: "p", label: "general" }]);
    expect(await ann.undo("ann")).toEqual(new Set(["p", "q"]));
    expect(labelsOf(ann)).toEqual(new Map([["p", "general"]]));
    await ann.redo("ann");
    expect(labelsOf(ann)).toEqual(
      new Map([
        ["p", "general"],
        ["q", "toxic"],
      ]),
    );
  });

  test("notes come back with the decision, and one's own undo leaves others' history alone", async () => {
    const file = new LabelFile(await log());
    await file.decide("ann", [{ id: "p", label: "toxic", note: "asks for harm" }]);
    await file.undo("ann");
    await file.redo("ann");
    expect(file.current.get("p")).toMatchObject({ label: "toxic", note: "asks for harm" });
    expect([file.history("ben").canUndo, file.history("ann").canUndo]).toEqual([false, true]);
    expect(await file.undo("ben")).toBeNull();
  });
});

describe("nextTime", () => {
  test("is now, but always after what was seen", () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 1), toFake: ["Date"] });
    try {
      expect(nextTime(undefined)).toBe("2026-01-01T00:00:00.000Z");
      expect(nextTime("2025-01-01T00:00:00Z")).toBe("2026-01-01T00:00:00.000Z");
      expect(nextTime("2026-01-01T00:00:00Z")).toBe("2026-01-01T00:00:00.001Z");
      expect(nextTime("2026-01-01T03:00:00+01:00")).toBe("2026-01-01T02:00:00.001Z");
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("following a log", () => {
  test("tells what others appended, once", async () => {
    const path = await log(`${line("p", "toxic", 0)}\n`);
    const file = new LabelFile(path);
    expect(await file.read()).toEqual(new Set(["p"]));
    expect(await file.read()).toEqual(new Set());
    await appendFile(path, `${line("q", "general", 1)}\n${line("p", "skip", -5)}\n`);
    expect(await file.read()).toEqual(new Set(["q"]));
    expect(file.decisions).toHaveLength(3);
  });

  test("half a line is a problem until it is whole, and broken lines keep their numbers", async () => {
    const whole = line("q", "toxic", 1);
    const path = await log(`${line("p", "toxic", 0)}\nbroken\n${whole.slice(0, 20)}`);
    const file = new LabelFile(path);
    await file.read();
    expect(file.problems.map(({ line }) => line)).toEqual([2, 3]);
    await appendFile(path, `${whole.slice(20)}\n`);
    expect(await file.read()).toEqual(new Set(["q"]));
    expect(file.problems.map(({ line }) => line)).toEqual([2]);
  });

  test("a last line without its line break counts once", async () => {
    const path = await log(line("p", "toxic", 0));
    const file = new LabelFile(path);
    await file.read();
    await file.read();
    expect(file.decisions).toHaveLength(1);
    await file.decide("ann", [{ id: "q", label: "toxic" }]);
    await appendFile(path, "broken\n");
    await file.read();
    expect(file.decisions.map(({ id }) => id)).toEqual(["p", "q"]);
    expect(file.problems).toEqual([{ line: 3, message: expect.stringMatching(/^not a label record/) }]);
    expect((await readLabels(path)).problems).toEqual(file.problems);
  });

  test.each<[string, (path: string, text: string) => Promise<void>]>([
    [
      "replaced by another",
      async (path, text) => {
        await writeFile(`${path}.new`, text);
        await rename(`${path}.new`, path);
      },
    ],
    ["written anew", (path, text) => writeFile(path, text)],
    ["written anew and longer", (path, text) => writeFile(path, `${text}${line("r", "skip", 9)}\n`)],
  ])("a file that is %s is read anew", async (_, change) => {
    const path = await log(`${line("p", "toxic", 0)}\n${line("q", "toxic", 1)}\n`);
    const file = new LabelFile(path);
    await file.read();
    await change(path, `${line("q", "general", 1)}\n`);
    const changed = await file.read();
    expect([...changed]).toEqual(expect.arrayContaining(["p", "q"]));
    expect(labelsOf(file).get("p")).toBeUndefined();
    expect(labelsOf(file).get("q")).toBe("general");
    await rm(path);
    expect([...(await file.read())]).toContain("q");
    expect(file.decisions).toEqual([]);
  });

  test("calls at once are carried out one after another, with times that rise", async () => {
    const path = await log();
    const file = new LabelFile(path);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => file.decide("ann", [{ id: `p${i}`, label: "toxic" }])),
    );
    const times = file.decisions.map(({ at }) => at);
    expect(new Set(times).size).toBe(20);
    expect(times).toEqual(times.toSorted());
    await Promise.all([file.undo("ann"), file.undo("ann"), file.redo("ann")]);
    expect(file.current.size).toBe(19);
  });

  test("a decision holds over one of a clock that is ahead", async () => {
    const file = new LabelFile(
      await log(`{"id":"p","label":"toxic","by":"ben","at":"2999-01-01T00:00:00Z"}\n`),
    );
    await file.decide("ann", [{ id: "p", label: "general" }]);
    expect(file.current.get("p")?.by).toBe("ann");
  });

  test("what can not be written is not decided, and what was seen meanwhile is told by the next call", async () => {
    const path = await log();
    const file = new LabelFile(path);
    await appendLabels(path, [JSON.parse(line("q", "toxic", 0)) as LabelRecord]);
    await expect(file.decide("", [{ id: "p", label: "toxic" }])).rejects.toThrow();
    expect(await readFile(path, "utf8")).not.toContain('"p"');
    expect(await file.read()).toEqual(new Set(["q"]));
    const nowhere = new LabelFile("/nowhere/p.labels.jsonl");
    await expect(nowhere.decide("ann", [{ id: "p", label: "toxic" }])).rejects.toMatchObject({
      code: "labels-unwritable",
    });
    expect(nowhere.current.size).toBe(0);
  });
});

test("dispute begins and ends with what people say, and skipping is no opinion", async () => {
  const file = new LabelFile(await log());
  await file.decide("ann", [{ id: "p", label: "toxic" }]);
  await file.decide("ben", [{ id: "p", label: "skip" }]);
  expect(file.disputed.size).toBe(0);
  expect(await file.decide("ben", [{ id: "p", label: "general" }])).toEqual(new Set(["p"]));
  expect([...file.disputed]).toEqual(["p"]);
  expect(await file.decide("ann", [{ id: "p", label: "general" }])).toEqual(new Set(["p"]));
  expect(file.disputed.size).toBe(0);
  await file.decide("ann", [{ id: "p", label: null }]);
  expect(file.disputed.size).toBe(1);
  await file.undo("ben");
  expect(file.disputed.size).toBe(0);
});

describe("merges, pairs and further labellings", () => {
  const from = (id: string, label: LabelRecord["label"], second: number, by: string): LabelRecord => ({
    id,
    label,
    by,
    at: new Date(Date.UTC(2026, 0, 1, 10, 0, second)).toISOString(),
  });

  test("a merge keeps authors and times, is undone as a whole by who merged, and is redone, also after a restart", async () => {
    const path = await log(`${line("p", "general", 5, "ben")}\n`);
    let file = new LabelFile(path);
    await file.decide("ann", [{ id: "q", label: "toxic" }]);
    const told = await file.merge("ann", [from("p", "toxic", 9, "ben"), from("q", "general", 1, "cy")]);
    expect(told).toEqual(new Set(["p", "q"]));
    expect(labelsOf(file)).toEqual(
      new Map([
        ["p", "toxic"],
        ["q", "toxic"],
      ]),
    );
    expect(file.disputed).toEqual(new Set(["q"]));
    expect(file.history("ben").canUndo).toBe(true);
    file = new LabelFile(path);
    await file.read();
    expect(await file.undo("ann")).toEqual(new Set(["p", "q"]));
    expect(file.current.get("p")).toMatchObject({ label: "general", by: "ben" });
    expect(file.disputed.size).toBe(0);
    expect(file.decisions).toHaveLength(2);
    expect((await readLabels(path)).decisions).toEqual(file.decisions);
    file = new LabelFile(path);
    await file.read();
    expect(await file.redo("ann")).toEqual(new Set(["p", "q"]));
    expect(file.disputed).toEqual(new Set(["q"]));
    await file.undo("ann");
    // The decision before the merge is next.
    expect(await file.undo("ann")).toEqual(new Set(["q"]));
    expect(file.current.has("q")).toBe(false);
    expect(file.history("ann").canUndo).toBe(false);
    expect(file.problems).toEqual([]);
  });

  test("what was undone where a merge came from stays so, and is no step of who merged", async () => {
    const file = new LabelFile(await log());
    const undone = { ...from("p", "withdrawn", 3, "ben"), undo: true as const };
    await file.merge("ann", [from("p", "toxic", 2, "ben"), undone]);
    expect(file.current.has("p")).toBe(false);
    expect(file.history("ann")).toMatchObject({ canUndo: true, canRedo: false });
    await file.undo("ann");
    expect(file.history("ann")).toMatchObject({ canUndo: false, canRedo: true });
  });

  test("a pair is named, undone and redone, and no label changes", async () => {
    const path = await log();
    const file = new LabelFile(path);
    await file.decide("ann", [{ id: "p", label: "toxic" }]);
    expect(await file.pair("ann", ["p", "q"], "p-q")).toEqual(new Set(["p", "q"]));
    await file.pair("ben", ["p"], "other");
    expect(file.pairs.get("p")).toBe("other");
    await file.undo("ben");
    expect(file.pairs.get("p")).toBe("p-q");
    expect(await file.undo("ann")).toEqual(new Set(["p", "q"]));
    expect(file.pairs.size).toBe(0);
    expect(labelsOf(file)).toEqual(new Map([["p", "toxic"]]));
    await file.redo("ann");
    expect([...file.pairs]).toEqual([
      ["p", "p-q"],
      ["q", "p-q"],
    ]);
    expect((await readLabels(path)).pairs).toHaveLength(8);
  });

  test("a further labelling never holds, and is undone within itself", async () => {
    const file = new LabelFile(await log());
    await file.decide("ann", [{ id: "p", label: "toxic" }]);
    expect(await file.decide("ann", [{ id: "p", label: "general" }], 2)).toEqual(new Set(["p"]));
    await file.decide("ann", [{ id: "p", label: "seemingly_toxic" }], 2);
    await file.decide("ben", [{ id: "p", label: "toxic" }]);
    expect(file.current.get("p")).toMatchObject({ label: "toxic", by: "ben" });
    expect(file.disputed.size).toBe(0);
    expect(file.passOf("ann", 2).get("p")?.label).toBe("seemingly_toxic");
    await file.undo("ann");
    expect(file.passOf("ann", 2).get("p")?.label).toBe("general");
    await file.undo("ann");
    expect(file.passOf("ann", 2).has("p")).toBe(false);
    await file.redo("ann");
    expect(file.passOf("ann", 2).get("p")?.label).toBe("general");
    expect(file.passOf("ben", 2).size).toBe(0);
  });
});
