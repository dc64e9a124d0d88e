import { join } from "node:path";
import { expect, test } from "vitest";
import { LabelFile } from "../../src/dataset/labelFile.ts";
import { appendLabels, readLabels } from "../../src/dataset/labels.ts";
import { carriedEntries, orphansOf } from "../../src/dataset/orphans.ts";
import { tempFolder } from "../tempFolder.ts";

const holds =
  (...ids: string[]) =>
  (id: string) =>
    ids.includes(id);

async function logOf(): Promise<LabelFile> {
  const path = join(tempFolder(), "p.csv.labels.jsonl");
  await appendLabels(path, [
    { id: "old", label: "toxic", by: "Ben", at: "2026-01-01T00:00:00Z", prompt: "Old words" },
  ]);
  const labels = new LabelFile(path);
  await labels.decide("Ada", [
    { id: "old", label: "general", note: "why" },
    { id: "kept", label: "toxic" },
  ]);
  await labels.decide("Ada", [{ id: "seen", label: "skip" }]);
  return labels;
}

test("labels without a prompt are listed with their words, but for those that were merely skipped", async () => {
  const labels = await logOf();
  expect(orphansOf(labels, holds("kept", "old", "seen"))).toEqual([]);
  const [orphan, ...others] = orphansOf(labels, holds("kept"));
  expect(orphan).toMatchObject({ id: "old", decision: { by: "Ada", label: "general" }, prompt: "Old words" });
  expect(others).toEqual([]);
});

test("everybody's label is carried over, and one undo reverts it", async () => {
  const labels = await logOf();
  const before = labels.entries.length;
  await labels.merge("Ada", carriedEntries(labels, [{ from: "old", to: "new", prompt: "New words" }]));
  expect(labels.current.get("new")).toMatchObject({ by: "Ada", label: "general", note: "why", from: "old" });
  expect(labels.disputed.has("new")).toBe(true);
  expect(orphansOf(labels, holds("kept", "new"))).toEqual([]);
  // Nothing is taken away: the log only grows.
  const { decisions, problems } = await readLabels(labels.path);
  expect([decisions.length, problems]).toEqual([before + 2, []]);
  await labels.undo("Ada");
  expect(labels.current.has("new")).toBe(false);
  expect(orphansOf(labels, holds("kept", "new")).map(({ id }) => id)).toEqual(["old"]);
  await labels.redo("Ada");
  expect(labels.current.get("new")?.label).toBe("general");
});

test("a label is forgotten by a line more, also another person's, and undone", async () => {
  const labels = await logOf();
  await labels.forget("Ada", ["old"]);
  expect(orphansOf(labels, holds("kept"))).toEqual([]);
  expect((await readLabels(labels.path)).decisions).toHaveLength(5);
  await labels.undo("Ada");
  expect(orphansOf(labels, holds("kept"))).toMatchObject([{ id: "old", decision: { label: "general" } }]);
});
