import { expect, test } from "vitest";
import {
  basesOf,
  isAskedCategory,
  measuresOfReport,
  measuresOfRuns,
  shownBenchmark,
} from "../../../src/extension/benchmark/shown.ts";
import type { RunSummary } from "../../../src/extension/runs/summary.ts";
import { type Plan, planSchema } from "../../../src/protocol/cells.ts";
import { exampleReport, reportWithInert } from "../../engine/evaluate/fixture.ts";

const recipe = {
  ...{ name: "r", model: "tiny", stages: [] },
  evaluate: { suites: [{ name: "own", source: { file: "own.csv" } }] },
};
const cell = (name: string, method: string, change: object = {}) => ({
  ...{ id: name, name, method, seed: 0, recipe },
  ...change,
});
const plan: Plan = planSchema.parse({
  ...{ version: 2, name: "small", created: "2026-01-01T00:00:00Z", root: "/" },
  cells: [
    cell("stl-0", "STL"),
    cell("scans-trial-1", "SCANS", { needs: ["stl-0"], trial: { settings: {} } }),
    cell("scans-0", "SCANS", { needs: ["stl-0", "scans-trial-1"] }),
    cell("untrained-0", "untrained"),
    cell("random-3", "SCANS, random", { needs: ["scans-0"], controls: "scans-0", seed: 3 }),
  ],
  benchmark: {
    methods: ["untrained", "STL", "SCANS"],
    reference: "STL",
    margins: { safety: 0.03, capability: 0.02 },
    gates: [],
    missing: [{ suite: "gated", reason: "ask for it" }],
  },
});
const summary: RunSummary & { readonly label: string } = {
  label: "The small plan",
  ...{ name: "small", state: "running", manifest: null, step: 1, totalSteps: 4, stage: null, stages: [] },
  ...{ etaSeconds: null, answered: [], last: null, device: null, report: null },
  cells: {
    names: plan.cells.map(({ name }) => name),
    finished: ["stl-0"],
    running: ["scans-trial-1"],
    failed: [{ cell: "untrained-0", message: "It was killed." }],
  },
};

test("a plan is shown in the order of its report, with what each run waits for", () => {
  const answering: RunSummary = {
    ...summary,
    ...{ name: "x", state: "running", answered: [{ suite: "own", done: 3, total: 9 }] },
  };
  const shown = shownBenchmark({ plan, summary, runs: new Map([["scans-trial-1", answering]]) });
  expect(shown.name).toBe("The small plan");
  expect(shown.methods).toEqual(["untrained", "STL", "SCANS", "SCANS, random"]);
  expect([shown.suites, shown.missing.length, shown.reference]).toEqual([["own", "gated"], 1, "STL"]);
  expect(shown.cells.map(({ name, state, waitsFor, isTrial }) => [name, state, waitsFor, isTrial])).toEqual([
    ["stl-0", "finished", [], false],
    ["scans-trial-1", "running", [], true],
    ["scans-0", "waiting", ["scans-trial-1"], false],
    ["untrained-0", "failed", [], false],
    ["random-3", "waiting", ["scans-0"], false],
  ]);
  expect(shown.cells[3]!.problem).toBe("It was killed.");
  expect(shown.cells.flatMap(({ name, isDraw }) => (isDraw ? [name] : []))).toEqual(["random-3"]);
  expect(shown.cells[1]!.answered).toEqual([{ suite: "own", done: 3, total: 9 }]);
});

test("a run whose folder is not read yet starts where the plan's log says so", () => {
  const { cells } = shownBenchmark({ plan, summary, runs: new Map() });
  expect(cells[1]!.state).toBe("starting");
});

test("figures of runs are those of their own method, called as the plan calls it, and none over seeds", () => {
  const report = exampleReport({ seeds: 1, perKind: 2 });
  const { measures, judges } = measuresOfRuns([{ method: "SCANS", seed: 3, report }]);
  expect(new Set(measures.rows.map(({ method, seed }) => `${method} ${seed}`))).toEqual(new Set(["SCANS 3"]));
  expect(measures.rows.some(({ category }) => category !== undefined)).toBe(false);
  expect(measures.definitions).toEqual(report.measures.definitions);
  expect(judges).toEqual(report.judges);
});

test("figures of the joint report keep every row but those of categories", () => {
  const report = exampleReport({ seeds: 2, perKind: 2 });
  const { measures } = measuresOfReport(report);
  const rows = report.measures.rows.filter(({ category }) => category === undefined);
  expect(measures.rows).toHaveLength(rows.length);
  expect(measures.rows.some(({ seed }) => seed === null)).toBe(true);
});

test("errors and overlaps come with the figures, those of a method on another before there is a joint report, too", () => {
  const joint = measuresOfReport(reportWithInert());
  expect(joint.errors.map(({ method, seed }) => `${method} ${seed}`)).toEqual([
    "SCANS 0",
    "SCANS 1",
    "SCANS 2",
  ]);
  expect(joint.contamination).toEqual([{ method: "STL", suite: "XSTest", contaminated: 1 }]);
  const report = exampleReport({ seeds: 1, perKind: 2 });
  const problems = [{ method: "own", seed: 0, message: "It acted on no prompt." }];
  const reports = [
    { method: "STL", seed: 0, report },
    { method: "SCANS", seed: 0, report: { ...report, problems, contamination: [] } },
  ];
  const on = {
    ...plan,
    cells: plan.cells.map((one) => ({ ...one, ...(one.name === "scans-0" && { base: "stl-0" }) })),
  };
  const runs = measuresOfRuns(reports, basesOf(on));
  expect(runs.errors).toEqual([{ method: "SCANS", seed: 0, message: "It acted on no prompt." }]);
  expect(runs.contamination.map(({ method, suite }) => `${method} ${suite}`)).toEqual([
    "STL XSTest",
    "SCANS XSTest",
  ]);
});

test("rows of categories are told where a page asks for them: of one suite, measure and judge, methods by their names", () => {
  const report = exampleReport();
  const any = report.measures.rows.find(
    ({ category, judge }) => category !== undefined && judge !== undefined,
  )!;
  const { suite, measure, group } = any;
  const of = { suite, measure, group, judge: any.judge! };
  const wanted = report.measures.rows.filter(isAskedCategory(of));
  expect(wanted.length).toBeGreaterThan(3);
  expect(new Set(wanted.map((row) => [row.suite, row.measure, row.judge].join()))).toEqual(
    new Set([[suite, measure, any.judge].join()]),
  );
  const joint = measuresOfReport(report, isAskedCategory(of)).measures.rows;
  expect(joint.map(({ category, estimate }) => [category, estimate])).toEqual(
    wanted.map(({ category, estimate }) => [category, estimate]),
  );
  const one = exampleReport({ seeds: 1 });
  const own = measuresOfRuns([{ method: "SCANS", seed: 3, report: one }], new Map(), isAskedCategory(of));
  expect(own.measures.rows.length).toBeGreaterThan(0);
  for (const row of own.measures.rows) {
    expect(row).toMatchObject({ ...of, method: "SCANS", seed: 3, category: expect.any(String) });
  }
  expect(report.measures.rows.filter(isAskedCategory({ ...of, judge: null }))).toEqual([]);
});
