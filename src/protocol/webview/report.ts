import * as z from "zod";
import type { MethodAnswers } from "../report/answers.ts";
import type { EarlierComparison } from "../report/earlier.ts";
import type { Report } from "../report/report.ts";
import { type RefusalVerdict, refusalVerdictSchema } from "../report/verdicts.ts";
import { runResultsRequestSchema, type ShownResult } from "./laboratory.ts";

/** A report without its answers: what is worked out anew when people judge. */
export type Figures = Omit<Report, "answers"> & { answers: Omit<MethodAnswers, "results">[] };

/** The figures of a report. */
export function figuresOf(report: Report): Figures {
  return { ...report, answers: report.answers.map(({ results: _, ...answers }) => answers) };
}

/** What a person said of an answer; null where it was taken back. */
export interface JudgedAnswer {
  /** Index of the answers of a method and seed in the report. */
  readonly answers: number;
  readonly suite: string;
  readonly id: string;
  readonly verdict: RefusalVerdict | null;
  readonly by: string;
  readonly at: string;
  readonly note?: string;
}

/** How the figures stand to what people judged. */
export type FiguresState =
  | { readonly kind: "current" }
  | { readonly kind: "working" }
  /** No engine may run in a workspace that is not trusted. */
  | { readonly kind: "restricted" }
  | { readonly kind: "failed"; readonly message: string };

/** Answers that the page is to show: all to one prompt, or those of a method to a suite. */
export type WantedAnswers =
  | { readonly id: string }
  | {
      /** A suite's name, or "pooled". */
      readonly suite: string;
      /** Name of the method; the one that the report is about where left out. */
      readonly method?: string;
      readonly seed?: number | null;
    };

/** What the host tells the report page. */
export type ReportToPage =
  | {
      readonly type: "report";
      readonly answers: readonly MethodAnswers[];
      readonly figures: Figures;
      readonly judged: readonly JudgedAnswer[];
      /** 1-based lines of judgements.jsonl that are none. */
      readonly broken: readonly number[];
    }
  | { readonly type: "judged"; readonly judged: readonly JudgedAnswer[]; readonly broken: readonly number[] }
  | { readonly type: "figures"; readonly figures: Figures }
  | { readonly type: "state"; readonly state: FiguresState }
  /** A result of the laboratory that the page asked for. */
  | { readonly type: "result"; readonly shown: ShownResult }
  /** The file is no report, or is gone. */
  | { readonly type: "damaged"; readonly message: string }
  /** Answers are to be shown. */
  | { readonly type: "show"; readonly what: WantedAnswers }
  /** What became of the methods since an earlier report: asked for just now, or worked out anew since something was judged. */
  | { readonly type: "earlier"; readonly earlier: EarlierComparison; readonly wasAsked: boolean }
  | { readonly type: "blur"; readonly blur: boolean };

/** What the report page asks of its host. */
export const reportFromPageSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("judge"),
    answers: z.int().nonnegative(),
    suite: z.string(),
    id: z.string(),
    verdict: refusalVerdictSchema.nullable(),
    note: z.string().optional(),
  }),
  z.strictObject({ type: z.literal("openPrompt"), id: z.string() }),
  z.strictObject({ type: z.literal("laboratory"), ask: runResultsRequestSchema }),
  z.strictObject({ type: z.literal("export") }),
  z.strictObject({ type: z.literal("copyLatex") }),
  /** Another report is to be chosen that this one is held against. */
  z.strictObject({ type: z.literal("compareEarlier") }),
  /** The numbers behind a figure are to be saved. */
  z.strictObject({
    type: z.literal("save"),
    name: z.string().regex(/^[\w-]+$/),
    format: z.literal("csv"),
    content: z.string(),
  }),
  z.strictObject({ type: z.literal("openAsText") }),
  z.strictObject({ type: z.literal("recompute") }),
]);
export type ReportFromPage = z.output<typeof reportFromPageSchema>;
export type JudgeRequest = Extract<ReportFromPage, { type: "judge" }>;
