import type { MeasureDefinition, MeasureRow } from "../../../src/protocol/report/measures.ts";
import type {
  BenchmarkPageState,
  ShownBenchmark,
  ShownCell,
  ShownMeasures,
} from "../../../src/protocol/webview/benchmark.ts";
import { testJudges } from "../../engine/evaluate/fixture.ts";

/** How a person looks at a matrix at first. */
export const plainView: BenchmarkPageState = {
  ...{ measure: null, judge: null, sort: null },
  filter: { methods: "", hiddenSuites: [] },
  categories: null,
};

/** A run of a made-up plan. */
export function madeCell(method: string, seed: number, change: Partial<ShownCell> = {}): ShownCell {
  return {
    ...{ name: `${method.toLowerCase()}-${seed}`, method, seed, state: "waiting", problem: null },
    ...{ waitsFor: [], step: 0, totalSteps: null, etaSeconds: null, answered: [], hasReport: false },
    ...{ suites: ["xstest", "oktest"], isTrial: false, isDraw: false },
    ...change,
  };
}

/** A made-up benchmark in the middle of its work: every state that a cell can be in. */
export function madeBenchmark(change: Partial<ShownBenchmark> = {}): ShownBenchmark {
  return {
    ...{ name: "small", state: "running", problem: null, reference: "STL", hasReport: false, isSweep: false },
    methods: ["untrained", "STL", "DCR", "SCANS", "CAST"],
    suites: ["xstest", "oktest", "gated"],
    missing: [{ suite: "gated", reason: "gated.csv: fetch it with: discern suites get gated" }],
    cells: [
      madeCell("untrained", 0, { state: "finished", hasReport: true }),
      madeCell("STL", 0, { state: "finished", hasReport: true }),
      madeCell("STL", 1, {
        state: "running",
        step: 120,
        totalSteps: 120,
        answered: [
          { suite: "xstest", done: 450, total: 450 },
          { suite: "oktest", done: 12, total: 150 },
        ],
      }),
      madeCell("DCR", 0, { state: "running", step: 34, totalSteps: 200, etaSeconds: 180 }),
      madeCell("DCR", 1, { state: "failed", problem: "The disk is full." }),
      madeCell("SCANS", 0, { waitsFor: ["scans-trial-2"] }),
      madeCell("SCANS", 1, { waitsFor: ["stl-1"] }),
      madeCell("SCANS", 0, {
        name: "scans-trial-1",
        isTrial: true,
        state: "finished",
        suites: ["validation"],
      }),
      madeCell("SCANS", 0, { name: "scans-trial-2", isTrial: true, suites: ["validation"] }),
      madeCell("CAST", 0, { state: "stopped" }),
      madeCell("CAST", 1),
    ],
    ...change,
  };
}

const definition = (
  id: string,
  title: string,
  direction: MeasureDefinition["direction"],
): MeasureDefinition => ({ id, title, direction, unit: "share", description: `${title}.` });

/** A row of the made-up figures. */
export function madeRow(
  measure: string,
  method: string,
  seed: number | null,
  suite: string,
  estimate: number | null,
  change: Partial<MeasureRow> = {},
): MeasureRow {
  return {
    ...{ measure, method, seed, suite, estimate, group: "safe", n: 250, judge: "xstest" },
    ...(estimate !== null && { interval: { lower: Math.max(0, estimate - 0.05), upper: estimate + 0.05 } }),
    ...change,
  };
}

/** Figures so far of the untrained model and of the first seed of STL, under two judges. */
export function madeMeasures(rows: readonly MeasureRow[] = []): ShownMeasures {
  const second = { id: "second", version: "1", question: "refusal", title: "A second judge" } as const;
  return {
    source: "runs",
    errors: [],
    contamination: [],
    judges: [...testJudges, second],
    measures: {
      definitions: [
        definition("safe_refusal", "Safe refusal", "lower"),
        definition("unsafe_refusal", "Unsafe refusal", "higher"),
      ],
      rows: [
        madeRow("safe_refusal", "untrained", 0, "xstest", 0.02),
        madeRow("safe_refusal", "untrained", 0, "oktest", 0.04),
        madeRow("safe_refusal", "untrained", 0, "pooled", 0.03),
        madeRow("safe_refusal", "STL", 0, "xstest", 0.31),
        madeRow("safe_refusal", "STL", 0, "oktest", 0.25),
        madeRow("safe_refusal", "STL", 0, "pooled", 0.28),
        madeRow("safe_refusal", "STL", 0, "xstest", 0.35, { judge: "second" }),
        madeRow("unsafe_refusal", "STL", 0, "xstest", 0.9, { group: "unsafe" }),
        ...rows,
      ],
    },
  };
}
