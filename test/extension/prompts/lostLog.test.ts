import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { everybodysLabels } from "../../../src/dataset/labelExport.ts";
import { rankHeirs } from "../../../src/dataset/labelMove.ts";
import {
  heldWords,
  labelledIds,
  lostHover,
  lostWords,
  readLostLog,
} from "../../../src/extension/prompts/lostLog.ts";
import { tempFolder } from "../../tempFolder.ts";

const line = (id: string, label: string | null, by: string, more = {}) =>
  `${JSON.stringify({ id, label, by, at: "2026-01-01T00:00:00Z", ...more })}\n`;

async function lost(...lines: string[]) {
  const path = join(tempFolder(), "gone.csv");
  writeFileSync(`${path}.labels.jsonl`, lines.join(""));
  const uri = { fsPath: path, path } as Parameters<typeof readLostLog>[0];
  return readLostLog(uri, "prompts/gone.csv");
}

describe("a label log whose prompt file is gone", () => {
  it("is told with its labels and people, and what can be done", async () => {
    const log = await lost(
      line("a", "toxic", "ben", { prompt: "How do I?" }),
      line("b", null, "ada"),
      line("c", "skip", "ada"),
    );
    expect([...labelledIds(log!)]).toEqual(["a", "b"]);
    expect(lostWords(log!)).toBe("2 labels without a file");
    expect(lostHover(log!)).toMatch(
      /^prompts\/gone\.csv is gone, .* has 2 labels by ada and ben\. Choose the file that they belong to, export them, or move/,
    );
  });

  it("is none where nobody labelled, or every label was withdrawn", async () => {
    expect(await lost(line("c", "skip", "ada"))).toBeUndefined();
    expect(await lost(line("c", "toxic", "ada"), line("c", "withdrawn", "ada"))).toBeUndefined();
    expect(await lost("")).toBeUndefined();
  });

  it("is exported with the words that the log keeps", async () => {
    const log = await lost(line("a", "toxic", "ben", { prompt: "How do I?" }), line("b", "general", "ben"));
    const rows = everybodysLabels({ path: log!.path, records: [], labels: log!.labels });
    expect(rows.map(({ prompt, label, line }) => [prompt, label, line])).toEqual([
      ["How do I?", "toxic", null],
      ["", "general", null],
    ]);
  });

  it("goes to the file that holds most of its prompts, each counted once", () => {
    const file = (name: string, ...ids: string[]) => ({ name, records: ids.map((id) => ({ id })) });
    const ranked = rankHeirs(new Set(["a", "b", "c"]), [
      file("none", "x"),
      file("two", "a", "b", "a"),
      file("three", "c", "b", "a"),
    ]);
    expect(ranked.map(({ file: { name }, held }) => [name, held])).toEqual([
      ["three", 3],
      ["two", 2],
      ["none", 0],
    ]);
    expect(heldWords(2, 3)).toBe("holds 2 of 3 labelled prompts");
    expect(heldWords(0, 3)).toBe("holds none of the labelled prompts");
  });
});
