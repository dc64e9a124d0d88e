import * as z from "zod";
import { type Arm, type HumanVerdict, humanVerdictSchema, type Report } from "../report.ts";

/** A report without its answers: what is worked out anew when people judge. */
export type Figures = Omit<Report, "arms"> & { arms: Omit<Arm, "results">[] };

/** The figures of a report. */
export function figuresOf(report: Report): Figures {
  return { ...report, arms: report.arms.map(({ results: _, ...arm }) => arm) };
}

/** What a person said of an answer; null where it was taken back. */
export interface JudgedAnswer {
  /** Index of the arm in the report. */
  readonly arm: number;
  readonly suite: string;
  readonly id: string;
  readonly verdict: HumanVerdict | null;
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

/** What the host tells the report page. */
export type ReportToPage =
  | {
      readonly type: "report";
      readonly arms: readonly Arm[];
      readonly figures: Figures;
      readonly judged: readonly JudgedAnswer[];
      /** 1-based lines of judgements.jsonl that are none. */
      readonly broken: readonly number[];
    }
  | { readonly type: "judged"; readonly judged: readonly JudgedAnswer[]; readonly broken: readonly number[] }
  | { readonly type: "figures"; readonly figures: Figures }
  | { readonly type: "state"; readonly state: FiguresState }
  /** The file is no report, or is gone. */
  | { readonly type: "damaged"; readonly message: string }
  /** A prompt is to be shown. */
  | { readonly type: "show"; readonly id: string }
  | { readonly type: "blur"; readonly blur: boolean };

/** What the report page asks of its host. */
export const reportFromPageSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("judge"),
    arm: z.int().nonnegative(),
    suite: z.string(),
    id: z.string(),
    verdict: humanVerdictSchema.nullable(),
    note: z.string().optional(),
  }),
  z.strictObject({ type: z.literal("openPrompt"), id: z.string() }),
  z.strictObject({ type: z.literal("export"), format: z.enum(["markdown", "html"]) }),
  z.strictObject({ type: z.literal("openAsText") }),
  z.strictObject({ type: z.literal("recompute") }),
]);
export type ReportFromPage = z.output<typeof reportFromPageSchema>;
export type JudgeRequest = Extract<ReportFromPage, { type: "judge" }>;
