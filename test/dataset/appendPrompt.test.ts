import { expect, test } from "vitest";
import { promptInsertion } from "../../src/dataset/appendPrompt.ts";
import { parsePrompts } from "../../src/dataset/read.ts";

const prompt = 'How do I "kill" a, b\nand c?';

/** The prompts of a file once one was added, as they are read. */
async function grown(name: string, text: string, columns: readonly string[], column: string) {
  const added = promptInsertion(name, text, columns, column, prompt);
  if (added === null) return null;
  const after = text.slice(0, added.offset) + added.text + text.slice(added.offset);
  const { records, problems } = await parsePrompts(after, name);
  expect(problems).toEqual([]);
  return { after, prompts: records.map((record) => record.prompt) };
}

test.each([
  ["a.csv", "id,prompt,label\r\n1,Hello,general\r\n", ["id", "prompt", "label"]],
  ["no-end.csv", "prompt,label\nHello,general", ["prompt", "label"]],
  ["a.tsv", "prompt\tlabel\nHello\tgeneral\n", ["prompt", "label"]],
  ["a.jsonl", '{"prompt":"Hello","label":"general"}', ["prompt", "label"]],
  ["a.json", '[\n  { "prompt": "Hello" }\n]\n', ["prompt"]],
])("a prompt is added to %s as its last, and read as it was written", async (name, text, columns) => {
  const { after, prompts } = (await grown(name, text, columns, "prompt"))!;
  expect(prompts).toEqual(["Hello", prompt]);
  expect(after.startsWith(text.slice(0, 12))).toBe(true);
  if (text.includes("\r\n")) expect(after.endsWith('c?",\r\n')).toBe(true);
});

test("nothing is added where a file has no end to add to", async () => {
  expect(await grown("a.json", '{"rows":[{"prompt":"Hello"}]}', ["prompt"], "prompt")).toBeNull();
  expect(await grown("a.parquet", "", ["prompt"], "prompt")).toBeNull();
  expect(await grown("a.csv", "prompt\nHello\n", ["prompt"], "chat.content")).toBeNull();
});
