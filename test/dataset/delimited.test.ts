import fc from "fast-check";
import { expect, test } from "vitest";
import { textsOf } from "../../src/dataset/chunks.ts";
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
  await readDelimited(textsOf(pieces(), "p.csv"), ",", {
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

const open = "a quote is opened and never closed";

test("a quote that never closes is a problem of the line on which it opens, and the other lines are read", async () => {
  const line = fc.record({ fields: fc.constantFrom("a,b", "é,", ",c d", "one"), blank: fc.nat(2) });
  const file = fc.record({
    before: fc.array(line, { maxLength: 6 }),
    after: fc.array(line, { maxLength: 6 }),
    broken: fc.constantFrom('"a,b', 'a,"b', '"'),
    end: fc.constantFrom("\n", "\r\n", "\r"),
    mark: fc.constantFrom("", "\uFEFF"),
    size: fc.integer({ min: 1, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(file, async ({ before, after, broken, end, mark, size }) => {
      let text = `${mark}one,two${end}`;
      const expected: { rows: Row[]; problems: Problem[] } = { rows: [], problems: [] };
      for (const { fields, blank } of [...before, { fields: broken, blank: 1 }, ...after]) {
        text += end.repeat(blank);
        const [one, two] = fields.split(",");
        const line = linesBefore(text);
        if (fields === broken) expected.problems.push({ line, message: open });
        else if (two === undefined) {
          expected.problems.push({ line, message: "1 fields where the header has 2" });
        } else expected.rows.push({ line, values: { one: one!, two } });
        text += `${fields}${end}`;
      }
      expect(await read(text, size)).toEqual({ columns: [["one", "two"]], ...expected });
    }),
  );
});

test("of a file whose every line opens a quote, a hundred lines are tried and not more", async () => {
  const { rows, problems } = await read(`one,two\n${'a","\n,\\","\n'.repeat(100)}`, 1000);
  expect(rows).toEqual([]);
  expect(problems.filter(({ message }) => message.startsWith(open))).toHaveLength(100);
  expect(problems.filter(({ message }) => message === `${open}; the rest of the file is not read`)).toEqual([
    { line: 101, message: expect.anything() },
  ]);
});

test("a header whose quote never closes leaves nothing to read", async () => {
  expect(await read('"one,two\na,b\n', 4)).toEqual({
    columns: [[]],
    rows: [],
    problems: [{ line: 1, message: `${open}; the rest of the file is not read` }],
  });
});

test("a record of another length says so, and columns without a name are left out", async () => {
  const { rows, problems, columns } = await read("prompt,,label\na,b,safe\nc\n", 100);
  expect(columns).toEqual([["prompt", "label"]]);
  expect(rows).toEqual([{ line: 2, values: { prompt: "a", label: "safe" } }]);
  expect(problems).toEqual([{ line: 3, message: "1 fields where the header has 3" }]);
});
