import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LabelFile } from "../../../src/dataset/labelFile.ts";
import { PersonHistory } from "../../../src/dataset/labelHistory.ts";
import { labelLogPath } from "../../../src/dataset/labels.ts";
import { authorName } from "../../../src/extension/prompts/author.ts";
import { latest } from "../../../src/extension/prompts/steps.ts";
import type { LabelRecord } from "../../../src/protocol/label.ts";
import { promptFile } from "./promptFiles.ts";

describe("the last step of several files", () => {
  const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  const record = (second: number, more: Partial<LabelRecord> = {}): LabelRecord => ({
    id: "x",
    label: "toxic",
    by: "ada",
    at: at(second),
    ...more,
  });
  const file = (...entries: LabelRecord[]) => ({
    labels: { history: (by: string) => new PersonHistory(by, entries) },
  });

  it("is undone where it was done, whatever was undone or done by others since", () => {
    const a = file(record(1), record(3));
    const b = file(record(2), record(4), record(5, { undo: true }), record(6, { by: "ben" }));
    expect(latest([a, b], "ada", "done")).toBe(a);
    expect(latest([a, b], "ada", "undone")).toBe(b);
    expect(latest([a, b], "ben", "done")).toBe(b);
    expect(latest([a, b], "cy", "done")).toBeUndefined();
  });

  it("counts a redone step from its redoing, and forgets the undone after a new one", () => {
    const redone = file(record(1), record(2, { undo: true }), record(5, { redo: true }));
    const undone = file(record(3), record(4, { undo: true }));
    expect(latest([redone, undone], "ada", "done")).toBe(redone);
    expect(latest([redone, undone], "ada", "undone")).toBe(undone);
    const anew = file(record(1), record(2, { undo: true }), record(3));
    expect(latest([anew], "ada", "undone")).toBeUndefined();
  });

  beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterEach(() => void vi.useRealTimers());

  it("goes back through two files in the order of work, as their logs do it", async () => {
    const files = ["a.csv", "b.csv"].map((name) => ({
      name,
      labels: new LabelFile(labelLogPath(promptFile(name, "").uri.fsPath)),
    }));
    const [a, b] = files;
    for (const each of [a!, b!, a!]) {
      await each.labels.decide("ada", [
        { id: "x", label: "toxic" },
        { id: "y", label: "general" },
      ]);
      // What is done in two files in one millisecond has no order.
      vi.setSystemTime(Date.now() + 1);
    }
    const walk = async (step: "done" | "undone", direction: "undo" | "redo") => {
      const found = latest(files, "ada", step)!;
      await found.labels[direction]("ada");
      vi.setSystemTime(Date.now() + 1);
      return found.name;
    };
    expect([await walk("done", "undo"), await walk("done", "undo"), await walk("done", "undo")]).toEqual([
      "a.csv",
      "b.csv",
      "a.csv",
    ]);
    expect(latest(files, "ada", "done")).toBeUndefined();
    expect([await walk("undone", "redo"), await walk("undone", "redo")]).toEqual(["a.csv", "b.csv"]);
  });
});

describe("the name on labels", () => {
  it("is the one set, else the user's", () => {
    expect(authorName(" Ada ")).toBe("Ada");
    expect(authorName("  ")).not.toBe("");
  });
});
