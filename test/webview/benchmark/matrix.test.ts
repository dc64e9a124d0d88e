import { describe, expect, test } from "vitest";
import { type MatrixCell, matrixOf } from "../../../src/webview/benchmark/matrix.ts";
import { madeBenchmark, madeCell, madeMeasures, madeRow, plainView } from "./benchmarks.ts";

const words = ({ seeds }: MatrixCell) =>
  seeds.map(({ status }) => ("words" in status ? `${status.kind}: ${status.words}` : status.kind));

describe("before anything is measured", () => {
  const matrix = matrixOf(madeBenchmark(), null, plainView);
  const cellsOf = (method: string) => {
    const row = matrix.rows.find((one) => one.method === method)!;
    return Object.fromEntries(row.cells.map((cell) => [cell.suite, words(cell)]));
  };

  test("every suite of the plan is a column, and no measure is chosen", () => {
    expect(matrix.suites).toEqual(["xstest", "oktest", "gated"]);
    expect(matrix.chosen).toBeUndefined();
  });

  test("each run says of each suite how far it is, what it waits for, or why it failed", () => {
    expect(cellsOf("STL").oktest).toEqual(["unmeasured", "answering: answering 12/150"]);
    expect(cellsOf("STL").xstest![1]).toBe("answering: 450 answered");
    expect(cellsOf("DCR").xstest).toEqual([
      "working: training 34/200, 3 min left",
      "failed: The disk is full.",
    ]);
    expect(cellsOf("SCANS").xstest).toEqual([
      "waiting: waiting for 1 trial of its tuning",
      "waiting: waiting for stl-1",
    ]);
    expect(cellsOf("CAST").xstest).toEqual([
      "stopped: Stopped and saved; resume continues from there.",
      "waiting: waiting",
    ]);
  });

  test("a suite that cannot be had says how to get it, for every run", () => {
    expect(cellsOf("DCR").gated).toEqual(
      Array(2).fill(expect.stringMatching(/^missing: .*discern suites get/)),
    );
  });

  test("trials are no seeds of their method, but are counted", () => {
    const scans = matrix.rows.find(({ method }) => method === "SCANS")!;
    expect(scans.trials).toEqual({ finished: 1, total: 2 });
    expect(scans.cells[0]!.seeds).toHaveLength(2);
  });
});

describe("with figures", () => {
  const pooledRow = madeRow("safe_refusal", "STL", null, "xstest", 0.3, { n: 2 });
  const shown = madeMeasures([madeRow("safe_refusal", "STL", 1, "xstest", 0.29), pooledRow]);

  test("the first measure is chosen, by the first judge; columns are the suites that it was measured on", () => {
    const { chosen, judge, suites, choices } = matrixOf(madeBenchmark(), shown, plainView);
    expect([chosen?.title, judge, suites]).toEqual([
      ...["Safe refusal", "xstest", ["xstest", "oktest", "gated", "pooled"]],
    ]);
    expect(choices.map(({ title }) => title)).toEqual(["Safe refusal", "Unsafe refusal"]);
    const unsafe = matrixOf(madeBenchmark(), shown, { ...plainView, measure: choices[1]!.key });
    // OKTest has safe prompts alone.
    expect(unsafe.suites).toEqual(["xstest", "gated"]);
  });

  test("a cell has the row over its seeds where the report has one, and each seed its own", () => {
    const { rows } = matrixOf(madeBenchmark(), shown, plainView);
    const [xstest, oktest] = rows[1]!.cells;
    expect([xstest!.row?.estimate, xstest!.seeds.map(({ row }) => row?.estimate)]).toEqual([
      0.3,
      [0.31, 0.29],
    ]);
    // No number over seeds is made up where only one of them has finished.
    expect([oktest!.row, oktest!.seeds[0]!.row?.estimate]).toEqual([undefined, 0.25]);
    expect(rows[0]!.cells[0]!.row?.estimate).toBe(0.02);
  });

  test("another judge shows its own numbers", () => {
    const { rows, suites } = matrixOf(madeBenchmark(), shown, { ...plainView, judge: "second" });
    expect(rows[1]!.cells[suites.indexOf("xstest")]!.seeds[0]!.row?.estimate).toBe(0.35);
  });

  test("rows are sorted best first, then worst first; those without a number stay last", () => {
    const order = (reversed: boolean) =>
      matrixOf(madeBenchmark(), shown, { ...plainView, sort: { suite: "xstest", reversed } }).rows.map(
        ({ method }) => method,
      );
    expect(order(false)).toEqual(["untrained", "STL", "DCR", "SCANS", "CAST"]);
    expect(order(true)).toEqual(["STL", "untrained", "DCR", "SCANS", "CAST"]);
  });

  test("a finished run of another kind of suite is not measured there", () => {
    const benchmark = madeBenchmark({
      suites: ["xstest", "mmlu"],
      methods: ["STL"],
      cells: [madeCell("STL", 0, { state: "finished" })],
    });
    expect(matrixOf(benchmark, shown, plainView).rows[0]!.cells.map(words)[1]).toEqual(["unmeasured"]);
  });
});

test("a method that is an error has no figure, and each of its runs says why", () => {
  const shown = madeMeasures([madeRow("safe_refusal", "STL", null, "xstest", 0.3)]);
  const errors = [{ method: "STL", seed: 0, message: "STL (seed 0) acted on no prompt." }];
  const { rows } = matrixOf(madeBenchmark(), { ...shown, errors }, plainView);
  const cell = rows.find(({ method }) => method === "STL")!.cells[0]!;
  expect([cell.row, cell.seeds[0]!.row, words(cell)[0]]).toEqual([
    undefined,
    undefined,
    "error: STL (seed 0) acted on no prompt.",
  ]);
});

test("cells of a method that was trained on prompts of their suite are marked", () => {
  const contamination = [{ method: "STL", suite: "xstest", contaminated: 3 }];
  const { rows } = matrixOf(madeBenchmark(), { ...madeMeasures(), contamination }, plainView);
  const marked = rows.flatMap(({ method, cells }) =>
    cells.flatMap(({ suite, overlaps }) => (overlaps ? [`${method} ${suite}`] : [])),
  );
  expect(marked).toEqual(["STL xstest", "STL pooled"]);
});
