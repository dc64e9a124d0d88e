import { expect, test } from "vitest";
import { Decisions } from "../../src/dataset/decisions.ts";
import { everybodysLabels, holdingLabels } from "../../src/dataset/labelExport.ts";
import { planMerge } from "../../src/dataset/labelMerge.ts";
import { promptId } from "../../src/dataset/record.ts";
import { labelsText } from "../../src/extension/labelling/labelsText.ts";
import type { LabelRecord } from "../../src/protocol/label.ts";

const records = ["=1+1 is a sum?", 'Say "hi", twice', "Untouched?", "No label?"].map((prompt, i) => ({
  id: promptId(prompt),
  prompt,
  source: "a.csv",
  line: i + 2,
  ...(i === 2 && { label: "general" as const }),
}));
const [sum, hi] = records.map(({ id }) => id) as [string, string];
const decision = (
  id: string,
  label: LabelRecord["label"],
  second: number,
  by: string,
  more: Partial<LabelRecord> = {},
): LabelRecord => ({
  id,
  label,
  by,
  at: new Date(Date.UTC(2026, 0, 1, 10, 0, second)).toISOString(),
  ...more,
});

const log = [
  decision(sum, "toxic", 1, "ada"),
  decision(sum, "general", 2, "ada", { note: "a sum" }),
  decision(sum, "toxic", 0, "ben"),
  decision(sum, "seemingly_toxic", 3, "ada", { pass: 2 }),
  decision(hi, null, 4, "ben"),
  decision("gone", "toxic", 5, "ben"),
];
const source = {
  path: "prompts/a.csv",
  records,
  labels: { current: new Decisions(log).holding, decisions: log },
};

test("the labels that hold are exported a row per prompt, the file's without an author, none for what has none", () => {
  const rows = holdingLabels(source);
  expect(rows.map(({ label, author, line, note }) => [line, label, author, note])).toEqual([
    [2, "general", "ada", "a sum"],
    [3, "excluded", "ben", ""],
    [4, "general", "", ""],
  ]);
  expect(labelsText(rows, "csv").split("\r\n").slice(0, 3)).toEqual([
    "prompt,label,author,time,note,file,line,id,pass",
    `'=1+1 is a sum?,general,ada,2026-01-01T10:00:02.000Z,a sum,prompts/a.csv,2,${sum},1`,
    `"Say ""hi"", twice",excluded,ben,2026-01-01T10:00:04.000Z,,prompts/a.csv,3,${hi},1`,
  ]);
  const [first] = labelsText(rows, "jsonl").split("\n");
  expect(JSON.parse(first!)).toEqual(rows[0]);
  expect(first!.startsWith('{"prompt":"=1+1 is a sum?","label":"general","author":"ada"')).toBe(true);
});

test("everybody's labels are exported with their pass, and no decision is lost with its prompt", () => {
  expect(
    everybodysLabels(source).map(({ line, label, author, pass }) => [line, label, author, pass]),
  ).toEqual([
    [2, "toxic", "ben", 1],
    [2, "general", "ada", 1],
    [2, "seemingly_toxic", "ada", 2],
    [3, "excluded", "ben", 1],
    [null, "toxic", "ben", 1],
  ]);
});

test("a merge takes what the log does not have, of prompts of the file, and says who would differ", () => {
  const theirs = [
    decision(sum, "toxic", 0, "ben"),
    decision(hi, "general", 9, "cy"),
    decision("gone", "toxic", 9, "cy"),
    decision(records[3]!.id, "toxic", 9, "cy"),
  ];
  const pair = { id: hi, pair: "p", by: "cy", at: decision("", null, 9, "cy").at };
  const holds = (id: string) => records.some((record) => record.id === id);
  const other = { decisions: theirs, pairs: [pair], problems: [{ line: 1, message: "no JSON" }] };
  const plan = planMerge({ decisions: log, pairs: [] }, [other, other], holds);
  expect(plan.entries).toEqual([theirs[1], theirs[3], pair]);
  expect(plan).toMatchObject({ authors: ["cy"], known: 5, foreign: 2, broken: 2, changed: 2 });
  expect(plan.conflicts).toEqual([
    {
      id: hi,
      labels: [expect.objectContaining({ by: "ben", label: null }), expect.objectContaining({ by: "cy" })],
    },
  ]);
});
