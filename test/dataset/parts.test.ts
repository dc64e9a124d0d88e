import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { parseLabel } from "../../src/dataset/columns.ts";
import { labelLogPath } from "../../src/dataset/labels.ts";
import { type Part, selectPart } from "../../src/dataset/parts.ts";
import { readPrompts } from "../../src/dataset/read.ts";
import { promptId } from "../../src/dataset/record.ts";
import { selectPrompts } from "../../src/dataset/select.ts";
import { type SourceInput, sourceSchema } from "../../src/protocol/source.ts";
import { tempFolder } from "../tempFolder.ts";

let root: string;
beforeEach(() => {
  root = tempFolder();
});

const write = (name: string, content: string) => writeFile(join(root, name), content);
const select = (source: SourceInput) => selectPrompts(source, { root });
const part = (name: Part, source: SourceInput) => selectPart(name, source, { root });
const labels = (records: readonly { prompt: string; label?: string }[]) =>
  Object.fromEntries(records.map(({ prompt, label }) => [prompt, label]));

describe("rows that are left out", () => {
  test.each([
    [
      "p.csv",
      "prompt,label\na,safe\nb,safe,stray\nc\nd,unsafe\n",
      "2 of the 4 rows of p.csv are left out. The first: p.csv:3: 3 fields",
    ],
    [
      "p.jsonl",
      '{"prompt":"a"}\n{"prompt":\n{"prompt":"c"}\n',
      "1 of the 3 rows of p.jsonl is left out. The first: p.jsonl:2: not JSON",
    ],
    [
      "p.json",
      '[{"prompt":"a"},3,{"prompt":["x"]}]',
      "2 of the 3 rows of p.json are left out. The first: p.json, row 2: not a record",
    ],
    [
      "q.json",
      '[{"prompt":"a"},{"prompt":["x"]}]',
      "1 of the 2 rows of q.json is left out. The first: q.json, row 2: the prompt is a list",
    ],
  ])("are told with their number, place and reason: %s", async (name, content, sentence) => {
    await write(name, content);
    expect((await select({ file: name })).notices).toEqual([expect.stringContaining(sentence)]);
  });

  test("are told where no row is left, too", async () => {
    await write("p.csv", "prompt,label\n,safe\n");
    await expect(select({ file: "p.csv" })).rejects.toThrow(
      /1 of the 1 row of p\.csv is left out.*p\.csv:2: the prompt is empty/,
    );
  });

  test("lists side by side that differ in length are no table", async () => {
    await write("p.json", '{"instructions":["a","b"],"inputs":["x"]}');
    await expect(select({ file: "p.json" })).rejects.toThrow(/"inputs" has 1 .* 2/);
  });

  test("an empty list beside others is a column that no row has", async () => {
    await write("p.json", '{"instructions":["a","b"],"tags":["x","y"],"inputs":[]}');
    expect((await select({ file: "p.json" })).records.map(({ prompt }) => prompt)).toEqual(["a", "b"]);
  });

  test("two columns of one name are an error where the name means something", async () => {
    await write("p.csv", "prompt,prompt\na,b\n");
    await expect(select({ file: "p.csv" })).rejects.toThrow(/two columns called "prompt"/);
    await write("q.csv", "prompt,note,note\na,b,c\n");
    expect((await select({ file: "q.csv" })).records).toHaveLength(1);
  });
});

describe("labels", () => {
  test.each([
    ["unharmful", "seemingly_toxic"],
    ["Non-Toxic", "seemingly_toxic"],
    ["nontoxic", "seemingly_toxic"],
    ["not harmful", "seemingly_toxic"],
    ["not malicious", "seemingly_toxic"],
    ["not safe", "toxic"],
    ["non-benign", "toxic"],
    ["pseudo-harmful", "seemingly_toxic"],
    ["0", undefined],
    ["1", undefined],
    ["true", undefined],
    ["notable", undefined],
    ["general", "general"],
  ])("%s means %s", (word, label) => expect(parseLabel(word)).toBe(label));

  const mixed = "prompt,label\na,safe\nb,unsafe\nc,0\nd,0\ne,controversial\nf,\n";

  test("that are not understood are told with counts, examples and the first line", async () => {
    await write("p.csv", mixed);
    const { records, notices } = await select({ file: "p.csv" });
    expect(records.filter(({ label }) => label !== undefined)).toHaveLength(2);
    expect(notices).toEqual([
      expect.stringMatching(
        /^3 of the 6 prompts of p\.csv have labels .*: "0" \(2\), "controversial" \(1\)\. The first: p\.csv:4\./,
      ),
    ]);
  });

  test("that are not understood are told also where they keep prompts out", async () => {
    await write("p.csv", mixed);
    for (const found of [
      await select({ file: "p.csv", labels: ["toxic"] }),
      await part("contrast", { file: "p.csv" }),
      await part("suite", { file: "p.csv" }),
      await part("panels.toxic", { file: "p.csv" }),
    ]) {
      expect(found.notices.join("\n")).toMatch(/"0" \(2\), "controversial" \(1\)/);
      expect(found.records.every(({ label }) => label !== undefined)).toBe(true);
    }
    const { notices } = await part("suite", { file: "p.csv" });
    expect(notices.join("\n")).toMatch(/1 of the 6 prompts of p\.csv is not evaluated.*p\.csv:7/);
    expect((await part("contrast", { file: "p.csv" })).notices.join("\n")).toMatch(
      /does not use 4 without a label of the 6 prompts of p\.csv/,
    );
  });

  test("are not missed where the source or a person says what holds", async () => {
    await write("p.csv", mixed);
    expect((await select({ file: "p.csv", label: "toxic" })).notices).toEqual([]);
    const at = "2026-01-01T00:00:00Z";
    const lines = ["c", "d", "e"].map((prompt) =>
      JSON.stringify({ id: promptId(prompt), label: "toxic", by: "x", at }),
    );
    await write(labelLogPath("p.csv"), `${lines.join("\n")}\n`);
    expect((await select({ file: "p.csv" })).notices).toEqual([]);
  });

  test("a suite with none that is understood says which it has", async () => {
    await write("p.csv", "prompt,label\na,0\nb,1\n");
    await expect(part("suite", { file: "p.csv" })).rejects.toThrow(
      /None of the 2 prompts.*"0" \(1\), "1" \(1\)/,
    );
  });

  test("in a list or an object are told", async () => {
    await write("p.jsonl", '{"prompt":"a","label":["unsafe"]}\n{"prompt":"b","label":"safe"}\n');
    expect((await select({ file: "p.jsonl" })).notices).toEqual([
      expect.stringMatching(/"a list or an object" \(1\)/),
    ]);
  });

  test("a type column is kinds, or labels of which one is not understood", async () => {
    await write("kinds.csv", "prompt,type\na,homonyms\nb,definitions\n");
    expect((await select({ file: "kinds.csv" })).notices).toEqual([]);
    await write("labels.csv", "prompt,type\na,safe\nb,odd\n");
    const { records, notices } = await select({ file: "labels.csv" });
    expect(records.every(({ kind }) => kind === undefined)).toBe(true);
    expect(notices).toEqual([expect.stringMatching(/"odd" \(1\)/)]);
    const named = await select({ file: "kinds.csv", columns: { label: "type" } });
    expect(named.notices).toEqual([expect.stringMatching(/"homonyms" \(1\), "definitions" \(1\)/)]);
    expect(named.records.every(({ kind }) => kind === undefined)).toBe(true);
  });

  test("a label column outranks what the layout says, and where it is empty the layout holds", async () => {
    await write(
      "x.csv",
      "id,prompt,type,label,focus,note\n1,a,homonyms,unsafe,x,\n2,b,contrast_homonyms,safe,x,\n3,c,contrast_homonyms,,x,\n4,d,homonyms,odd,x,\n",
    );
    const { records, notices } = await select({ file: "x.csv" });
    expect(labels(records)).toEqual({ a: "toxic", b: "seemingly_toxic", c: "toxic", d: undefined });
    expect(records.map(({ kind }) => kind)).toEqual([
      "homonyms",
      "contrast_homonyms",
      "contrast_homonyms",
      "homonyms",
    ]);
    expect(notices).toEqual([expect.stringMatching(/"odd" \(1\)/)]);
    await write(
      "oktest.json",
      '[{"instruction":"a","output":"b","label":"unsafe"},{"instruction":"c","output":"d"}]',
    );
    expect(labels((await select({ file: "oktest.json", format: "alpaca" })).records)).toEqual({
      a: "toxic",
      c: "general",
    });
  });
});

test("a damaged line of the label log is told with its place", async () => {
  await write("p.csv", "prompt,label\na,safe\nb,unsafe\n");
  const good = JSON.stringify({ id: promptId("a"), label: "toxic", by: "x", at: "2026-01-01T00:00:00Z" });
  await write(
    labelLogPath("p.csv"),
    `${good}\n${good.slice(0, 30)}\n${good.replace('"toxic"', '"tocsic"')}\n`,
  );
  const { records, notices } = await select({ file: "p.csv" });
  expect(labels(records)).toEqual({ a: "toxic", b: "toxic" });
  expect(notices).toEqual([
    expect.stringMatching(
      /^2 lines of the label log p\.csv\.labels\.jsonl are ignored\. The first: p\.csv\.labels\.jsonl:2: .*not JSON/,
    ),
  ]);
});

describe("context", () => {
  const behaviours =
    "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\n" +
    'Say the third step.,contextual,plans,context,"Plan: paint, dry, hang.",x1\n' +
    "Say how doors are hung.,standard,doors,,,x2\nWrite the song out.,copyright,copyright,,,x3\n";

  test("of HarmBench stands before its behaviour, which keeps its id where it has none", async () => {
    await write("h.csv", behaviours);
    const { records, notices } = await select({ file: "h.csv" });
    expect(notices).toEqual([]);
    expect(records.map(({ prompt }) => prompt)).toEqual([
      "Plan: paint, dry, hang.\n\n---\n\nSay the third step.",
      "Say how doors are hung.",
      "Write the song out.",
    ]);
    expect(records[1]!.id).toBe(promptId("Say how doors are hung."));
    expect(records.map(({ label }) => label)).toEqual(["toxic", "toxic", "toxic"]);
    const rest = await select({ file: "h.csv", exceptKinds: ["copyright"] });
    expect(rest.records).toHaveLength(2);
  });

  test("beside another prompt column is told, and is used where it is named", async () => {
    await write("q.csv", "question,context\nWhat then?,First this.\nWhat now?,\n");
    const found = await select({ file: "q.csv" });
    expect(found.records[0]!.prompt).toBe("What then?");
    expect(found.notices).toEqual([
      expect.stringMatching(/^1 prompt of q\.csv has text in the column "context".*q\.csv:2/),
    ]);
    const below = await select({ file: "q.csv", columns: { input: "context" } });
    expect(below).toMatchObject({
      notices: [],
      records: [{ prompt: "What then?\n\nFirst this." }, { prompt: "What now?" }],
    });
    const before = await select({ file: "q.csv", columns: { context: "context" } });
    expect(before).toMatchObject({
      notices: [],
      records: [{ prompt: "First this.\n\n---\n\nWhat then?" }, {}],
    });
  });
});

describe("filters", () => {
  test("that name what no prompt has are told", async () => {
    await write("p.csv", "prompt,kind,split,label\na,one,train,safe\nb,two,train,unsafe\n");
    const { records, notices } = await select({
      file: "p.csv",
      exceptKinds: ["tow"],
      split: ["train", "tset"],
    });
    expect(records).toHaveLength(2);
    expect(notices).toEqual([
      expect.stringMatching(/^"split" names "tset"/),
      expect.stringMatching(/^"exceptKinds" names "tow"/),
    ]);
    await expect(select({ file: "p.csv", where: { lable: "" } })).rejects.toThrow(/no column "lable"/);
  });
});

describe("panels", () => {
  const both = "prompt,label\na,toxic\nb,safe\nc,general\nd,\n";

  test("take the prompts with their own label where the source says nothing", async () => {
    await write("p.csv", both);
    const prompts = async (name: Part, source: SourceInput = { file: "p.csv" }) =>
      (await part(name, source)).records.map(({ prompt }) => prompt);
    expect(await prompts("panels.toxic")).toEqual(["a"]);
    expect(await prompts("panels.seeminglyToxic")).toEqual(["b"]);
    expect(await prompts("panels.toxic", { file: "p.csv", limit: 1 })).toEqual(["a"]);
    expect(await prompts("panels.toxic", { file: "p.csv", label: "toxic" })).toHaveLength(4);
    await write("bare.txt", "x\ny\n");
    expect(await prompts("panels.toxic", { file: "bare.txt" })).toEqual(["x", "y"]);
  });

  test("say what is among their prompts that is not theirs", async () => {
    await write("p.csv", both);
    expect((await part("panels.toxic", { file: "p.csv", labels: ["toxic", "general"] })).notices).toEqual([
      expect.stringMatching(
        /^data\.panels\.toxic: 1 of the 2 prompts of p\.csv is labelled otherwise than toxic/,
      ),
    ]);
    expect((await part("panels.general", { file: "p.csv" })).notices).toEqual([
      expect.stringMatching(/^data\.panels\.general: 2 of the 4 prompts/),
    ]);
    await write("safe.csv", "prompt,label\na,safe\n");
    await expect(part("panels.toxic", { file: "safe.csv" })).rejects.toMatchObject({
      code: "dataset-empty",
      message: expect.stringMatching(/"labels":\["toxic"\]/),
    });
  });

  test("refusals of prompts that are not toxic are told, unless the source asks for them", async () => {
    await write("p.csv", both);
    expect((await part("safety", { file: "p.csv" })).notices).toEqual([
      expect.stringMatching(/^data\.safety: 2 of the 4 prompts.*"labels": \["toxic"\]/),
    ]);
    expect((await part("safety", { file: "p.csv", labels: ["toxic", "seemingly_toxic"] })).notices).toEqual(
      [],
    );
  });
});

describe("suites", () => {
  test("ask each prompt once, and none that is labelled both ways", async () => {
    await write("p.csv", "prompt,label\na,safe\na ,safe\nb,toxic\nc,toxic\nc,safe\nd,general\nd,safe\n");
    const { records, notices } = await part("suite", { file: "p.csv" });
    expect(records.map(({ prompt, line }) => [prompt, line])).toEqual([
      ["a", 2],
      ["b", 4],
      ["d", 7],
    ]);
    expect(notices).toEqual([
      expect.stringMatching(
        /^1 prompt of p\.csv stands there with labels that contradict each other.*p\.csv:5.*p\.csv:6.*not evaluated/,
      ),
      expect.stringMatching(/^2 rows of p\.csv repeat a prompt/),
    ]);
  });

  test("of a file with nothing but contradictions, or with a header alone, are an error", async () => {
    await write("p.csv", "prompt,label\nc,toxic\nc,safe\n");
    await expect(part("suite", { file: "p.csv" })).rejects.toMatchObject({ code: "dataset-empty" });
    await write("q.csv", "prompt,label\n");
    await expect(part("suite", { file: "q.csv" })).rejects.toMatchObject({ code: "dataset-empty" });
  });
});

test("a column named empty stands for no other", async () => {
  await write("p.jsonl", '{"":"unsafe","prompt":"a"}\n');
  expect((await readPrompts(join(root, "p.jsonl"))).records).toEqual([
    { id: promptId("a"), prompt: "a", source: "p.jsonl", line: 1 },
  ]);
});

test("keys of a source that are none are refused", () => {
  expect(sourceSchema.safeParse({ file: "a", encodnig: "utf-8" }).success).toBe(false);
});
