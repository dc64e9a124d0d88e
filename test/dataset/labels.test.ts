import { appendFile, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import {
  appendLabels,
  applyLabels,
  currentDecisions,
  disagreements,
  labelLogPath,
  readLabels,
} from "../../src/dataset/labels.ts";
import type { PromptRecord } from "../../src/dataset/record.ts";
import type { LabelRecord } from "../../src/protocol/label.ts";
import { temporaryFile } from "./files.ts";

const decision = (id: string, label: LabelRecord["label"], minute: number, by = "ann"): LabelRecord => ({
  id,
  label,
  by,
  at: `2026-01-01T10:${String(minute).padStart(2, "0")}:00Z`,
});
const log = (content = "") => temporaryFile("p.csv.labels.jsonl", content);

describe("label log", () => {
  test("lies beside its file and starts empty", async () => {
    expect(labelLogPath("a/p.csv")).toBe("a/p.csv.labels.jsonl");
    expect(await readLabels("/nowhere/p.csv.labels.jsonl")).toEqual({
      decisions: [],
      pairs: [],
      problems: [],
    });
  });

  test("appends and reads back, and undo is one more line", async () => {
    const path = await log();
    const first = decision("x", "toxic", 0);
    const undo: LabelRecord = { ...decision("x", null, 1), undo: true, note: "slip" };
    await appendLabels(path, [first]);
    await appendLabels(path, [undo, decision("y", "skip", 2)]);
    await appendLabels(path, []);
    const { decisions, problems } = await readLabels(path);
    expect(decisions).toEqual([first, undo, decision("y", "skip", 2)]);
    expect(problems).toEqual([]);
    expect(currentDecisions(decisions).get("x")).toEqual(undo);
  });

  test("many appends at once lose nothing", async () => {
    const path = await log();
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => appendLabels(path, [decision(`p${i}`, "toxic", i)])),
    );
    const { decisions, problems } = await readLabels(path);
    expect(new Set(decisions.map(({ id }) => id)).size).toBe(50);
    expect(problems).toEqual([]);
  });

  test("half a last line is reported, kept, and not run into", async () => {
    const path = await log();
    await appendLabels(path, [decision("x", "toxic", 0)]);
    await appendFile(path, '{"id":"y","lab');
    const before = await readFile(path, "utf8");
    expect((await readLabels(path)).problems).toEqual([
      { line: 2, message: expect.stringMatching(/^not a label record/) },
    ]);
    await appendLabels(path, [decision("z", "general", 1)]);
    const { decisions, problems } = await readLabels(path);
    expect(decisions.map(({ id }) => id)).toEqual(["x", "z"]);
    expect(problems).toHaveLength(1);
    expect((await readFile(path, "utf8")).startsWith(before)).toBe(true);
  });

  test.each([
    ['{"id":"x","label":"evil","by":"a","at":"2026-01-01T10:00:00Z"}'],
    ['{"id":"x","label":"toxic","by":"a","at":"yesterday"}'],
    ["[]"],
    ["\u0000\u0000"],
  ])("passes over %j", async (line) => {
    expect((await readLabels(await log(`${line}\n`))).problems).toHaveLength(1);
  });

  test("logs of several people merge in either order", () => {
    const ann = [decision("x", "toxic", 0), decision("y", "toxic", 5)];
    const ben = [decision("x", "general", 3, "ben"), decision("y", "general", 3, "ben")];
    for (const merged of [
      [...ann, ...ben],
      [...ben, ...ann],
    ]) {
      const current = currentDecisions(merged);
      expect([current.get("x")?.label, current.get("y")?.label]).toEqual(["general", "toxic"]);
    }
  });

  test("refuses to write what it could not read, and names an unwritable place", async () => {
    const path = await log();
    await expect(appendLabels(path, [{ ...decision("x", "toxic", 0), at: "now" }])).rejects.toThrow();
    expect(await readFile(path, "utf8")).toBe("");
    const nowhere = appendLabels("/nowhere/p.labels.jsonl", [decision("x", "toxic", 0)]);
    await expect(nowhere).rejects.toMatchObject({ code: "labels-unwritable" });
  });

  test("labels win over the file's, skip leaves it, null takes it away", () => {
    const record = (id: string): PromptRecord => ({
      id,
      prompt: id,
      label: "general",
      source: "p.csv",
      line: 1,
    });
    const records = ["a", "b", "c", "d"].map(record);
    const labelled = applyLabels(records, [
      decision("a", "toxic", 0),
      decision("b", "skip", 0),
      decision("c", null, 0),
    ]);
    expect(labelled.map(({ label }) => label)).toEqual(["toxic", "general", undefined, "general"]);
    expect(records[0]?.label).toBe("general");
  });

  test("a pair that people named stands over the file's, and its label stays", () => {
    const record: PromptRecord = {
      id: "x",
      prompt: "x",
      label: "toxic",
      pair: "old",
      source: "p.csv",
      line: 1,
    };
    const other = { ...record, id: "y" };
    const { at, by } = decision("x", "toxic", 0);
    const labelled = applyLabels(
      [record, other],
      [],
      [
        { id: "x", pair: "new", by, at },
        { id: "y", pair: null, by, at },
      ],
    );
    expect(labelled.map(({ pair, label }) => [pair, label])).toEqual([
      ["new", "toxic"],
      ["old", "toxic"],
    ]);
  });

  test("who takes a decision back leaves those of others, and else what the file says", () => {
    const ann = decision("x", "toxic", 0);
    const ben = decision("x", "general", 1, "ben");
    const back = decision("x", "withdrawn", 2, "ben");
    expect(currentDecisions([ann, ben, back]).get("x")).toEqual(ann);
    expect(currentDecisions([ben, back]).has("x")).toBe(false);
    expect(currentDecisions([back, ben]).has("x")).toBe(false);
    const record: PromptRecord = { id: "x", prompt: "x", label: "general", source: "p.csv", line: 1 };
    expect(applyLabels([record], [decision("x", "toxic", 0, "ben"), back])).toEqual([record]);
  });

  test("people disagree where the labels they hold now differ", () => {
    const log = [
      decision("differ", "toxic", 0),
      decision("differ", "general", 1, "ben"),
      decision("agree", "toxic", 0),
      decision("agree", "general", 0, "ben"),
      decision("agree", "toxic", 1, "ben"),
      decision("skipped", "toxic", 0),
      decision("skipped", "skip", 1, "ben"),
      decision("back", "toxic", 0),
      decision("back", "general", 1, "ben"),
      decision("back", "withdrawn", 2, "ben"),
    ];
    expect([...disagreements(log)]).toEqual(["differ"]);
  });
});
