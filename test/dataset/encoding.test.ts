import { parquetWriteBuffer } from "hyparquet-writer";
import { expect, test } from "vitest";
import { sniff } from "../../src/dataset/discover.ts";
import { readLabels } from "../../src/dataset/labels.ts";
import { parsePrompts, readPrompts } from "../../src/dataset/read.ts";
import { selectPrompts } from "../../src/dataset/select.ts";
import { temporaryFile } from "./files.ts";

const prompts = ["Wie öffne ich die Tür?", "Où est la clé ?"];
const contents = {
  "p.csv": `prompt\n${prompts.join("\n")}\n`,
  "p.tsv": `prompt\n${prompts.join("\n")}\n`,
  "p.txt": `${prompts.join("\n")}\n`,
  "p.json": JSON.stringify(prompts),
  "p.jsonl": prompts.map((prompt) => `${JSON.stringify({ prompt })}\n`).join(""),
};
const files = Object.entries(contents);
const utf16 = (text: string) => Buffer.from(`\uFEFF${text}`, "utf16le");

test.each(files)("UTF-16 and marked UTF-8 are read rightly: %s", async (name, content) => {
  const marked = [utf16(content), utf16(content).swap16(), Buffer.from(`\uFEFF${content}`)];
  for (const bytes of marked) {
    const { records } = await readPrompts(await temporaryFile(name, bytes));
    expect(records.map(({ prompt }) => prompt)).toEqual(prompts);
  }
});

test.each(files)(
  "%s in windows-1252 is refused, and read where its encoding is named",
  async (name, content) => {
    const path = await temporaryFile(name, Buffer.from(content, "latin1"));
    await expect(readPrompts(path)).rejects.toMatchObject({
      code: "dataset-unreadable",
      message: expect.stringMatching(new RegExp(`${name}:\\d+: .*not UTF-8.*encoding`)),
    });
    const { records } = await selectPrompts({ file: path, encoding: "windows-1252" });
    expect(records.map(({ prompt }) => prompt)).toEqual(prompts);
  },
);

test.each(files)("%s in UTF-16 without a mark is refused, never read as NUL", async (name, content) => {
  const path = await temporaryFile(name, utf16(content).subarray(2));
  await expect(readPrompts(path)).rejects.toMatchObject({ code: "dataset-unreadable" });
});

test("an editor's text with NUL is refused, and U+FFFD in a prompt is told", async () => {
  await expect(parsePrompts("prompt\na\0b\n", "p.csv")).rejects.toMatchObject({ code: "dataset-unreadable" });
  const path = await temporaryFile(
    "p.jsonl",
    '{"prompt":"caf\uFFFD"}\n{"prompt":"a\\u0000b"}\n{"prompt":"\\ud800"}\n{"prompt":"ok"}',
  );
  expect((await selectPrompts({ file: path })).notices).toEqual([
    expect.stringMatching(/^3 prompts of .*p\.jsonl hold U\+FFFD.*p\.jsonl:1\./),
  ]);
});

test("an encoding that is none, or that Parquet has not, is an error", async () => {
  await expect(selectPrompts({ file: "p.csv", encoding: "utf-9" })).rejects.toThrow(/encoding/);
  const buffer = parquetWriteBuffer({ columnData: [{ name: "prompt", data: ["a"], type: "STRING" }] });
  const path = await temporaryFile("p.parquet", new Uint8Array(buffer));
  await expect(selectPrompts({ file: path, encoding: "gb18030" })).rejects.toMatchObject({
    code: "dataset-unreadable",
  });
});

test("a prompt file in another encoding is still found, so that its failure can be seen", async () => {
  expect(await sniff(await temporaryFile("p.csv", Buffer.from(contents["p.csv"], "latin1")))).toMatchObject({
    kind: "unreadable",
  });
  expect(await sniff(await temporaryFile("p.csv", utf16(contents["p.csv"]).subarray(2)))).toMatchObject({
    kind: "unreadable",
  });
  expect(
    await sniff(
      await temporaryFile(
        "p.csv",
        Uint8Array.from({ length: 999 }, (_, i) => i * 7),
      ),
    ),
  ).toMatchObject({ kind: "unreadable" });
});

test("a label log in another encoding loses nothing in silence", async () => {
  const line = (id: string, by: string) =>
    `${JSON.stringify({ id, label: "toxic", by, at: "2026-01-01T00:00:00Z" })}\n`;
  const marked = await readLabels(await temporaryFile("l.jsonl", `\uFEFF${line("a", "Zoë")}`));
  expect(marked).toMatchObject({ decisions: [{ id: "a", by: "Zoë" }], problems: [] });
  const mixed = Buffer.concat([
    Buffer.from(line("a", "Zoë")),
    Buffer.from(line("b", "Zoë"), "latin1"),
    Buffer.from(line("c", "Zoë")),
  ]);
  const read = await readLabels(await temporaryFile("l.jsonl", mixed));
  expect(read.decisions.map(({ id }) => id)).toEqual(["a", "c"]);
  expect(read.problems).toMatchObject([{ line: 2, message: expect.stringMatching(/UTF-8/) }]);
  const wide = await readLabels(await temporaryFile("l.jsonl", utf16(line("a", "b") + line("c", "d"))));
  expect(wide.decisions).toEqual([]);
  expect(wide.problems.length).toBeGreaterThanOrEqual(2);
});
