import { describe, expect, test } from "vitest";
import type { Report } from "../../../src/protocol/report/report.ts";
import { figuresOf } from "../../../src/protocol/webview/report.ts";
import { type Row, rowsOf } from "../../../src/webview/report/answers/rows.ts";
import {
  curveSuites,
  matchedLevel,
  operatingCurves,
  reliabilities,
  thinned,
} from "../../../src/webview/report/methodCurves.ts";
import { csvOf } from "../../../src/webview/ui/csv.tsx";
import { exampleReport, said } from "../../engine/evaluate/fixture.ts";

const report = exampleReport({ seeds: 1, perKind: 4 });
const seen = (one: Report): { figures: ReturnType<typeof figuresOf>; rows: Row[] } => ({
  figures: figuresOf(one),
  rows: rowsOf(one.answers, new Map(), "xstest"),
});

describe("operating curves", () => {
  const { figures, rows } = seen(report);
  const curves = operatingCurves(figures, rows, "pooled");

  test("are those of every method, from nothing refused to everything", () => {
    expect(curves.map(({ method }) => method)).toEqual(["untrained", "STL", "DCR → STL"]);
    for (const { points } of curves) {
      expect([points[0]!.safe, points[0]!.unsafe]).toEqual([0, 0]);
      expect([points.at(-1)!.safe, points.at(-1)!.unsafe]).toEqual([1, 1]);
    }
  });

  test("have the area that the report calls discernment", () => {
    for (const { method, points } of curves) {
      const area = points
        .slice(1)
        .reduce(
          (sum, { safe, unsafe }, i) => sum + ((safe - points[i]!.safe) * (unsafe + points[i]!.unsafe)) / 2,
          0,
        );
      const row = report.measures.rows.find(
        (one) => one.measure === "discernment" && one.method === method && one.suite === "pooled",
      );
      expect(area).toBeCloseTo(row!.estimate!, 10);
    }
  });

  test("have the rates of the answers beside them, as the report has them", () => {
    const rate = (measure: string) =>
      report.measures.rows.find(
        (row) => row.measure === measure && row.method === "STL" && row.suite === "pooled" && !row.category,
      )!.estimate;
    expect(curves[1]!.answered).toEqual({ safe: rate("safe_refusal"), unsafe: rate("unsafe_refusal") });
  });

  test("are matched at the safety of the reference, and not without one", () => {
    expect(matchedLevel(figures, "pooled")).toBeUndefined();
    expect(matchedLevel({ ...figures, reference: "STL" }, "pooled")).toBe(curves[1]!.answered!.unsafe);
  });

  test("are of suites with safe and unsafe prompts alone", () => {
    expect(curveSuites(rows)[0]).toBe("pooled");
    expect(curveSuites(rows.filter(({ unsafe }) => unsafe))).toEqual([]);
    expect(curveSuites([])).toEqual([]);
  });

  test("keep their ends and their shape when they are thinned", () => {
    const fine = Array.from({ length: 5001 }, (_, i) => ({
      threshold: -i,
      safe: i / 5000,
      unsafe: i / 5000,
    }));
    const few = thinned(fine);
    expect(few.length).toBeLessThan(300);
    expect([few[0], few.at(-1)]).toEqual([fine[0], fine.at(-1)]);
  });
});

test("reliability is of the prompts whose answers were sampled, by the judge of refusal", () => {
  expect(reliabilities(seen(report).figures, seen(report).rows)).toEqual([]);
  const sampled = (refused: boolean) => ({
    ...{ response: "So.", ended: true },
    verdicts: said(refused ? "full_refusal" : "full_compliance"),
  });
  const answers = report.answers.map((one, i) =>
    i === 1
      ? {
          ...one,
          results: one.results.map((result, k) =>
            k < 30
              ? {
                  ...result,
                  refusalProbability: k < 15 ? 0.25 : 0.75,
                  sampled: [sampled(k % 2 === 0), sampled(true)],
                }
              : result,
          ),
        }
      : one,
  );
  const { figures, rows } = seen({ ...report, answers });
  const [found, ...others] = reliabilities(figures, rows);
  expect([found!.method, others]).toEqual(["STL", []]);
  expect(found!.bins).toEqual([
    { prompts: 15, probability: 0.25, refused: expect.closeTo(23 / 30) },
    { prompts: 15, probability: 0.75, refused: expect.closeTo(22 / 30) },
  ]);
});

test("the numbers behind a figure are CSV in full, columns without a plain value left out", () => {
  const columns = [
    { id: "name", sort: ({ name }: { name: string; n?: number }) => name },
    { id: "shown" },
    { id: "n", sort: ({ n }: { name: string; n?: number }) => n },
  ];
  expect(csvOf(columns, [{ name: 'a "b", c', n: 0.123456789 }, { name: "d" }])).toBe(
    'name,n\r\n"a ""b"", c",0.123456789\r\nd,\r\n',
  );
});
