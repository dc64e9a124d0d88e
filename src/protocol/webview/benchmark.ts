import * as z from "zod";
import { groupSchema, type MeasureRow, type Measures } from "../report/measures.ts";
import type { MethodProblem } from "../report/methods.ts";
import type { SweepResults } from "../report/sweep.ts";
import type { WithContamination } from "../report/training.ts";
import type { JudgeInfo } from "../report/verdicts.ts";
import type { RunState } from "../timeline.ts";

/** What a comparison or benchmark, or one of its runs, is doing; `waiting` is a run that has not begun. */
export type ShownState = RunState | "waiting" | "starting" | "interrupted" | "damaged";

/** A run of the plan, as its folder tells it. */
export interface ShownCell {
  /** Names the cell and its folder. */
  readonly name: string;
  readonly method: string;
  readonly seed: number;
  /** Whether it is a draw of a control, of which `seed` is the number. */
  readonly isDraw: boolean;
  readonly state: ShownState;
  /** Why it failed, or its folder is damaged. */
  readonly problem: string | null;
  /** Names of cells that it waits for, of those that have not finished. */
  readonly waitsFor: readonly string[];
  readonly step: number;
  readonly totalSteps: number | null;
  /** Seconds until it has ended; null while that is unknown. */
  readonly etaSeconds: number | null;
  /** Suites that it is to answer, in their order. */
  readonly suites: readonly string[];
  /** How far the answers to those have come that were begun. */
  readonly answered: readonly { readonly suite: string; readonly done: number; readonly total: number }[];
  readonly hasReport: boolean;
  /** Whether it is a trial of tuning, which is no row of the table. */
  readonly isTrial: boolean;
}

/** A suite that cannot be had. */
export interface MissingSuite {
  readonly suite: string;
  readonly reason: string;
}

/** A comparison or benchmark: its cells, and where it stands. */
export interface ShownBenchmark {
  readonly name: string;
  readonly state: ShownState;
  readonly problem: string | null;
  /** Methods in the order of the plan. */
  readonly methods: readonly string[];
  /** The method that the others are compared with; null in a comparison. */
  readonly reference: string | null;
  readonly suites: readonly string[];
  readonly missing: readonly MissingSuite[];
  readonly cells: readonly ShownCell[];
  readonly hasReport: boolean;
  /** Whether its cells are the trials of a sweep, which has no matrix. */
  readonly isSweep: boolean;
}

/** Figures so far: methods are named as in the plan. */
export interface ShownMeasures {
  /** Rows of the joint report where there is one, else those of each run that has finished. */
  readonly source: "report" | "runs";
  readonly measures: Measures;
  readonly judges: readonly JudgeInfo[];
  /** Methods that are errors and have no rows, with a reason for each run. */
  readonly errors: readonly MethodProblem[];
  /** What decides which figures are marked as overlapping. */
  readonly contamination: WithContamination["contamination"];
}

/** Which rows of categories a page asks for: of one measure, its prompts and judge, on one suite. */
const categoryQuestionSchema = z.strictObject({
  suite: z.string(),
  measure: z.string(),
  group: groupSchema,
  judge: z.string().nullable(),
});
export type CategoryQuestion = z.output<typeof categoryQuestionSchema>;

/** What the host tells the page of a benchmark. */
export type BenchmarkToPage =
  | { readonly type: "benchmark"; readonly benchmark: ShownBenchmark }
  | {
      readonly type: "measures";
      readonly shown: ShownMeasures;
      /** Why the figures do not include people's verdicts, in a sentence; null where they do. */
      readonly outdated: string | null;
    }
  /** The rows of categories that the page asked for, methods as in the plan. */
  | { readonly type: "categories"; readonly of: CategoryQuestion; readonly rows: readonly MeasureRow[] }
  /** The trials of a sweep, in place of measures. */
  | { readonly type: "sweep"; readonly results: SweepResults }
  /** The folder cannot be read, or is gone. */
  | { readonly type: "gone"; readonly message: string };

/** What can be done with a benchmark from its page. */
const commandNames = ["stop", "resume", "openReport", "openLog", "export", "copyLatex", "compare"] as const;
export type BenchmarkCommand = (typeof commandNames)[number];

/** What the page asks of its host. */
export const benchmarkFromPageSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("command"), command: z.enum(commandNames) }),
  /** The prompts of a suite with the answers of a method. */
  z.strictObject({
    type: z.literal("openAnswers"),
    method: z.string(),
    seed: z.int().nullable(),
    suite: z.string(),
  }),
  z.strictObject({ type: z.literal("categories"), of: categoryQuestionSchema }),
  z.strictObject({ type: z.literal("openCellLog"), cell: z.string() }),
  z.strictObject({ type: z.literal("openDashboard"), cell: z.string() }),
  z.strictObject({ type: z.literal("copy"), text: z.string() }),
  /** Writes a recipe with the settings of a trial. */
  z.strictObject({ type: z.literal("useSettings"), cell: z.string() }),
  z.strictObject({ type: z.literal("save"), name: z.string(), content: z.string() }),
]);
export type BenchmarkFromPage = z.output<typeof benchmarkFromPageSchema>;

/** Which methods and suites of a matrix are shown. */
export interface BenchmarkFilter {
  /** What the names of the methods contain; empty for all. */
  readonly methods: string;
  readonly hiddenSuites: readonly string[];
}

/** What the page keeps for when it is shown again. */
export interface BenchmarkPageState {
  /** Key of the measure and its prompts; null before one was chosen. */
  readonly measure: string | null;
  /** Id of the judge; null is the first. */
  readonly judge: string | null;
  readonly sort: { readonly suite: string; readonly reversed: boolean } | null;
  readonly filter: BenchmarkFilter;
  /** The suite whose categories are shown; null where they are folded. */
  readonly categories: string | null;
}
