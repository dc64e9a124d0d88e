import { expect, test } from "vitest";
import { gateOutcome, gatesIn } from "../../../src/extension/benchmark/gates.ts";
import { exampleReport } from "../../engine/evaluate/fixture.ts";

test("gates stand where the file has them; what is no text is none", () => {
  const text = '{ "name": "b",\n  "gates": ["xstest.safe_refusal > 0.2", 7, "discernment < 0.6"] }';
  const gates = gatesIn(text);
  expect(gates.map(({ offset, length }) => text.slice(offset, offset + length))).toEqual([
    '"xstest.safe_refusal > 0.2"',
    '"discernment < 0.6"',
  ]);
  expect(gatesIn("{")).toEqual([]);
  expect(gatesIn('{ "gates": 1 }')).toEqual([]);
});

const report = exampleReport({ seeds: 1, perKind: 4 });

test("a gate passes or fails with the measured value and its sentence", () => {
  const row = report.measures.rows.find(
    ({ measure, method, suite }) => measure === "safe_refusal" && method === "STL" && suite === "pooled",
  )!;
  const failed = gateOutcome(`STL: safe_refusal > ${row.estimate! - 0.01}`, report);
  expect(failed).toMatchObject({
    status: "failed",
    messages: [expect.stringMatching(/of STL \(pooled\): \d+ % \[\d+, \d+\], n = \d+/)],
    compared: { actual: `STL: ${row.estimate}` },
  });
  expect(failed.compared?.expected).toMatch(/^not > /);
  expect(gateOutcome(`STL: safe_refusal > ${row.estimate! + 0.01}`, report).status).toBe("passed");
});

test("a gate about several methods has a sentence for each, and fails with one of them", () => {
  const all = gateOutcome("*: safe_refusal > 2", report);
  expect([all.status, all.messages.length]).toEqual(["passed", 2]);
});

test("what cannot be compared is an error and never passes", () => {
  expect(gateOutcome("nowhere.safe_refusal > 0.2", report).status).toBe("error");
  expect(gateOutcome("safe refusal!", report)).toMatchObject({
    status: "error",
    messages: [expect.stringContaining("is not a condition")],
  });
});
