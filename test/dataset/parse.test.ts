import { describe, expect, test } from "vitest";
import { parsePrompts, readPrompts } from "../../src/dataset/read.ts";
import { temporaryFile } from "./files.ts";

const contents = [
  ["p.csv", 'prompt,label\r\n"a\r\nb",safe\r\n\r\nbroken\r\nc,unsafe\r\n'],
  ["p.tsv", "prompt\tlabel\na\tsafe\nb\n"],
  ["p.jsonl", '\uFEFF{"prompt":"a\u2028b"}\r\n\n{"prompt"\n{"prompt":"c","label":"safe"}'],
  ["p.json", '[{"prompt":"a"},\n 3,\n {"prompt":"c"}]'],
  ["p.txt", "\uFEFFa\n\n b \r\nc"],
] as const;

describe("parsePrompts", () => {
  test.each(contents)("reads a text as readPrompts reads the file %s", async (name, text) => {
    const fromText = await parsePrompts(text, name);
    expect(fromText).toEqual(await readPrompts(await temporaryFile(name, text)));
    expect(fromText.records.length).toBeGreaterThan(0);
  });

  test("takes no binary format, and says what is wrong with a text", async () => {
    await expect(parsePrompts("", "p.parquet")).rejects.toMatchObject({ code: "dataset-unreadable" });
    await expect(parsePrompts("", "a/p.toString")).rejects.toMatchObject({ code: "dataset-unreadable" });
    await expect(parsePrompts("a,b\n1,2\n", "p.csv")).rejects.toMatchObject({ code: "column-missing" });
  });
});

describe("lines and large files", () => {
  test("U+2028 ends no line of JSON Lines or of a text", async () => {
    const { records, problems } = await parsePrompts('{"prompt":"a\u2028b"}\n{"prompt":"c"}\n', "p.jsonl");
    expect(records.map(({ line }) => line)).toEqual([1, 2]);
    expect(problems).toEqual([]);
  });

  test("a file of many pieces is told step by step, and each line is right", async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => `"prompt number ${i}\nof many",safe`);
    const path = await temporaryFile("p.csv", `prompt,label\n${rows.join("\n")}\n`);
    const told: [number, number][] = [];
    const { records } = await readPrompts(path, { onProgress: (read, total) => told.push([read, total]) });
    expect(records.every(({ line }, i) => line === 2 + 2 * i)).toBe(true);
    expect(records).toHaveLength(20_000);
    expect(told.length).toBeGreaterThan(3);
    expect(told.at(-1)![0]).toBe(told[0]![1]);
    expect(told.map(([read]) => read)).toEqual(told.map(([read]) => read).toSorted((a, b) => a - b));
  });

  test.each(["p.csv", "p.jsonl"])("reading %s ends when asked to", async (name) => {
    const line = name === "p.csv" ? "some prompt\n" : '{"prompt":"some prompt"}\n';
    const path = await temporaryFile(name, `${name === "p.csv" ? "prompt\n" : ""}${line.repeat(50_000)}`);
    const controller = new AbortController();
    const reading = readPrompts(path, {
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await expect(reading).rejects.toThrow("enough");
  });
});
