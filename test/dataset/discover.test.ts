import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { readColumns, type Sniffed, sniff } from "../../src/dataset/discover.ts";
import { publishedFiles } from "../../src/suites/published.ts";
import { describePublished, publishedPath, samplePath } from "../publishedFiles.ts";
import { temporaryFile } from "./files.ts";

const parquet = (name: string) =>
  new Uint8Array(
    parquetWriteBuffer({ columnData: [{ name, data: ["How do I do it?", "And why?"], type: "STRING" }] }),
  );
const long = (row: (i: number) => string) => Array.from({ length: 5000 }, (_, i) => row(i));

describe("sniff", () => {
  test.each<[string, string | Uint8Array, Sniffed["kind"]]>([
    ["p.csv", "id,Prompt\n1,How?\n", "prompts"],
    ["p.tsv", "goal\ttarget\nHow?\tSure\n", "prompts"],
    ["p.csv", "id,utterance\n1,How do I kill a process?\n", "unclear"],
    ["p.csv", "id,size\n1,large\n", "empty"],
    ["p.csv", "prompt\n", "empty"],
    ["p.csv", "", "empty"],
    ["p.jsonl", '{"question":"How?"}\n', "prompts"],
    ["long.json", `[${long((i) => `{"instruction":"How do I ${i}?"}`).join(",\n")}]`, "prompts"],
    ["lists.json", `{"instructions":[${long((i) => `"How do I ${i}?"`).join()}],"inputs":[]}`, "prompts"],
    ["strings.json", '["How do I do it?"]', "prompts"],
    ["long.csv", `prompt,text\n${long((i) => `"a\nb${i}",c`).join("\n")}`, "prompts"],
    ["p.parquet", parquet("prompt"), "prompts"],
    ["p.parquet", parquet("utterance"), "unclear"],
    ["p.parquet", "PAR", "unreadable"],
    ["package.json", '{"name":"x","description":"A thing of some words"}', "other"],
    ["tsconfig.json", '{"include":["src"] /* a comment */}', "other"],
    ["p.csv.labels.jsonl", '{"id":"x","label":"toxic","note":"a prompt of some words"}\n', "other"],
    ["r.discern.json", '[{"prompt":"How?"}]', "other"],
    ["events.jsonl", '{"type":"warning","message":"something is not right"}\n', "other"],
    ["notes.txt", "How do I do it?\n", "other"],
    ["p.py", "prompt\n", "other"],
  ])("%s, %#", async (name, content, expected) => {
    expect((await sniff(await temporaryFile(name, content))).kind).toBe(expected);
  });

  const telling = publishedFiles.filter(({ suite }) => suite.task !== "choice");
  test.each(telling.map(({ file }) => file.file))("finds prompts in the layout of %s", async (file) => {
    expect(await sniff(samplePath(file))).toEqual({ kind: "prompts" });
  });

  test("finds nothing where nothing is", async () => {
    expect(await sniff("/nowhere/p.csv")).toEqual({ kind: "other" });
  });
});

describePublished("sniff on published files", () => {
  const read = [
    "xstest_v2_prompts.csv",
    "oktest.csv",
    "advbench.csv",
    "safety_only_data_instructions.json",
    "I-Alpaca.json",
    "I-CoNa.json",
    "I-Controversial.json",
    "I-MaliciousInstructions.json",
    "I-PhysicalSafetySafe.json",
    "I-PhysicalSafetyUnsafe.json",
    "alpaca_random_9k.json",
    "alpaca_eval_text_davinci_003.json",
    "seed_tasks.jsonl",
    "dolly_3k.json",
  ];
  test.each(read)("finds prompts in %s", async (file) => {
    expect(await sniff(publishedPath(file))).toEqual({ kind: "prompts" });
  });
});

describe("readColumns", () => {
  test.each<[string, string | Uint8Array]>([
    ["p.csv", "utterance\nHow do I do it?\nAnd why?\n"],
    ["p.jsonl", '{"utterance":"How do I do it?"}\n{"utterance":"And why?"}'],
    ["p.json", '[{"utterance":"How do I do it?"},{"utterance":"And why?"}]'],
    ["p.parquet", parquet("utterance")],
  ])("shows columns and first rows of %s", async (name, content) => {
    expect(await readColumns(await temporaryFile(name, content))).toEqual({
      columns: ["utterance"],
      found: {},
      samples: [{ utterance: "How do I do it?" }, { utterance: "And why?" }],
    });
  });

  test("says which columns it knows, and shows five rows", async () => {
    const path = await temporaryFile("p.csv", `goal,kind\n${"a,b\n".repeat(50_000)}`);
    const { found, samples } = await readColumns(path);
    expect(found).toEqual({ prompt: "goal", kind: "kind" });
    expect(samples).toHaveLength(5);
  });

  test("a file that is none is a clear error", async () => {
    await expect(readColumns("/nowhere/p.csv")).rejects.toMatchObject({ code: "file-missing" });
    const path = await temporaryFile("p.json", "{");
    await expect(readColumns(path)).rejects.toMatchObject({ code: "dataset-unreadable" });
  });
});
