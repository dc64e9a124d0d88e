import fc from "fast-check";
import { expect, test } from "vitest";
import { readDelimited } from "../../src/dataset/delimited.ts";
import type { Problem, Row } from "../../src/dataset/sink.ts";

/** What a reader tells of a text that comes in pieces of some size. */
async function read(text: string, size: number) {
  const bytes = Buffer.from(text);
  const pieces = async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
  const told: { columns: string[][]; rows: Row[]; problems: Problem[] } = {
    columns: [],
    rows: [],
    problems: [],
  };
  await readDelimited(pieces(), ",", {
    columns: (names) => told.columns.push(names),
    row: (row) => told.rows.push(row),
    problem: (problem) => told.problems.push(problem),
  });
  return told;
}

const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`;
const linesBefore = (text: string) => text.split(/\r\n|\n|\r/).length;

test("records start where they start, whatever they hold and wherever the pieces are cut", async () => {
  const field = fc.array(fc.constantFrom("a", "é", "𝄞", '"', ",", "\n", "\r\n", " "), { maxLength: 6 });
  const row = fc.record({
    fields: fc.array(
      field.map((parts) => quoted(parts.join(""))),
      { minLength: 1, maxLength: 3 },
    ),
    blank: fc.nat(2),
  });
  const file = fc.record({
    rows: fc.array(row, { maxLength: 12 }),
    end: fc.constantFrom("\n", "\r\n", "\r"),
    mark: fc.constantFrom("", "\uFEFF"),
    size: fc.integer({ min: 1, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(file, async ({ rows, end, mark, size }) => {
      let text = `${mark}one,two${end}`;
      const good: number[] = [];
      const bad: number[] = [];
      for (const { fields, blank } of rows) {
        text += end.repeat(blank);
        (fields.length === 2 ? good : bad).push(linesBefore(text));
        text += `${fields.join(",")}${end}`;
      }
      const told = await read(text, size);
      expect(told.columns).toEqual([["one", "two"]]);
      expect(told.rows.map(({ line }) => line)).toEqual(good);
      expect(told.problems.map(({ line }) => line)).toEqual(bad);
      const values = rows.filter(({ fields }) => fields.length === 2).map(({ fields }) => fields);
      expect(told.rows.map(({ values: { one, two } }) => [quoted(one!), quoted(two!)])).toEqual(values);
    }),
  );
});

test("a quote that never closes is a problem of the line on which it opens", async () => {
  const { rows, problems } = await read('prompt\na\n\n"b\nc\nd\n', 5);
  expect(rows).toEqual([{ line: 2, values: { prompt: "a" } }]);
  expect(problems).toEqual([{ line: 4, message: "a quote is opened and never closed" }]);
});

test("a record of another length says so, and columns without a name are left out", async () => {
  const { rows, problems, columns } = await read("prompt,,label\na,b,safe\nc\n", 100);
  expect(columns).toEqual([["prompt", "label"]]);
  expect(rows).toEqual([{ line: 2, values: { prompt: "a", label: "safe" } }]);
  expect(problems).toEqual([{ line: 3, message: "1 fields where the header has 3" }]);
});
