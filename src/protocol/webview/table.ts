import * as z from "zod";
import type { Label } from "../label.ts";
import { type Outcome, type RefusalVerdict, refusalVerdictSchema } from "../report/verdicts.ts";
import { choiceSchema, type LabelChoice, labelFilterSchema, placeSchema } from "./labelling.ts";

/** What the table can be sorted by; verdicts and probabilities are those of the first or second method that is shown. */
const sortKeySchema = z.enum([
  "line",
  "prompt",
  "label",
  "category",
  "split",
  "pair",
  "verdict0",
  "probability0",
  "verdict1",
  "probability1",
]);
export type SortKey = z.infer<typeof sortKeySchema>;

/** `disagrees`: over- or under-refused, so that label and verdict disagree; `methods`: the two methods did different things. */
export const verdictFilterSchema = z.enum([
  "all",
  "refused",
  "complied",
  "undetermined",
  "none",
  "disagrees",
  "over-refused",
  "under-refused",
  "methods",
]);
export type VerdictFilter = z.infer<typeof verdictFilterSchema>;

export const tableViewSchema = z.object({
  /** Null for the file's order. */
  sort: z.object({ by: sortKeySchema, down: z.boolean() }).nullable(),
  /** Words that the prompt contains, without regard to case; empty for all. */
  text: z.string(),
  label: labelFilterSchema,
  /** Null for all; "" for prompts without one. */
  category: z.string().nullable(),
  split: z.string().nullable(),
  /** What the last method that is shown did. */
  verdict: verdictFilterSchema,
  /** Whether the prompts of a pair stand in adjacent rows, those included that the filter leaves out. */
  pairs: z.boolean(),
});
/** Which prompts the table lists, and in which order. */
export type TableView = z.infer<typeof tableViewSchema>;

const columnSchema = z.union([z.literal(0), z.literal(1)]);

/** Messages of the table page. Those with a version are about the file as that version of it was told. */
export const tableFromPageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("list"), request: z.int(), view: tableViewSchema }),
  z.object({ type: z.literal("rows"), version: z.int(), places: z.array(placeSchema).max(200) }),
  z.object({ type: z.literal("detail"), version: z.int(), place: placeSchema }),
  z.object({
    type: z.literal("label"),
    version: z.int(),
    /** Comes back in `labelled`, `declined` or `refused`. */
    request: z.int(),
    places: z.array(placeSchema).min(1),
    label: choiceSchema,
  }),
  z.object({
    type: z.literal("judge"),
    version: z.int(),
    place: placeSchema,
    column: columnSchema,
    verdict: refusalVerdictSchema.nullable(),
  }),
  z.object({ type: z.literal("undo") }),
  z.object({ type: z.literal("redo") }),
  /** Show the prompt's line in the text editor. */
  z.object({ type: z.literal("reveal"), version: z.int(), place: placeSchema }),
  /** Choose the run and method of a column; the second may be added and removed. */
  z.object({ type: z.literal("chooseMethod"), column: columnSchema }),
  z.object({ type: z.literal("removeMethod"), column: columnSchema }),
  z.object({ type: z.literal("export") }),
  z.object({
    type: z.literal("do"),
    what: z.enum(["openAsText", "chooseColumn", "readLargeFile", "evaluate", "showProblems"]),
  }),
]);
export type TableFromPage = z.infer<typeof tableFromPageSchema>;

/** What is wrong with an answer, given the label of its prompt. */
export type AnswerFailure = "over-refused" | "under-refused";

/** What a method did with a prompt, as a row shows it. */
export interface RowAnswer {
  outcome: Outcome;
  /** In [0, 1]. */
  probability: number;
  /** Whether a person judged it. */
  human: boolean;
  failure: AnswerFailure | null;
  /** Whether the prompt was scored alone: nothing was answered, and `outcome` means nothing. */
  scored?: true;
}

/** A prompt as a row of the table. */
export interface TableRow {
  place: number;
  line: number;
  /** The prompt's beginning, on one line. */
  text: string;
  category?: string;
  split?: string;
  pair?: string;
  /** By method that is shown; null where it did not answer the prompt. */
  answers: (RowAnswer | null)[];
}

/** A prompt in full, with its counterparts and answers. */
export interface TableDetail {
  place: number;
  line: number;
  prompt: string;
  category?: string;
  split?: string;
  pair?: string;
  /** The label that the file gives. */
  fileLabel?: Label;
  /** The decision that holds, and whose it is. */
  decision?: { label: LabelChoice; by: string; at: string; note?: string };
  /** The other prompts of its pair. */
  counterparts: { place: number; line: number; prompt: string; label?: Label }[];
  answers: ((RowAnswer & AnswerWords) | null)[];
}

/** The words of an answer, and who says what it is. */
interface AnswerWords {
  response: string;
  reasoning?: string;
  /** Title of the judge, where no person judged. */
  judge?: string;
  /** Why the judge calls it undetermined. */
  reason?: string;
  /** What a person says. */
  verdict?: RefusalVerdict;
}

/** A method whose verdicts and probabilities are columns. */
export interface TableMethod {
  /** Name of the run. */
  run: string;
  /** The method, with its seed where the report has several of it. */
  title: string;
  /** How many of the file's prompts it answered. */
  answered: number;
}

/** A prompt file as a whole. */
export interface TableFile {
  /** Counted up with every reading of the file. */
  version: number;
  /** Relative to the workspace. */
  path: string;
  /** A byte a prompt, see labelBytes.ts. */
  labels: Uint8Array;
  /** Where each prompt of the version before stands now, -1 where it is gone; null for the first version. */
  moved: Int32Array | null;
  /** The categories and splits of its prompts, sorted; "" stands for prompts without one, and none at all for a file without. */
  categories: string[];
  splits: string[];
  /** Whether prompts share pairs. */
  paired: boolean;
  /** Rows that could not be used. */
  problems: number;
}

/** Flags of a listed row: bits of one number. */
export const rowFlags = {
  /** Its counterpart is listed, and the filter leaves itself out. */
  beside: 1,
  /** Of the same pair as the row before. */
  continues: 2,
  /** Of the same pair as the row after. */
  continued: 4,
} as const;

/** Why there is no table, and what can be done. */
export interface Unreadable {
  message: string;
  /** `column`: the prompt column must be chosen; `large`: it is read on request. */
  why: "column" | "large" | "failed";
  /** Whether the file has a text that can be opened. */
  hasText: boolean;
}

/** Messages to the table page. */
export type TableToPage =
  | { type: "settings"; blur: boolean }
  | { type: "reading" }
  | { type: "file"; file: TableFile }
  | { type: "unreadable"; reason: Unreadable }
  /** The methods that are shown, the marked one last; none where no run answered any of the prompts. */
  | { type: "methods"; methods: TableMethod[] }
  /** The places that a view lists, in its order; flags only where pairs stand together. */
  | { type: "list"; request: number; version: number; places: Uint32Array; flags: Uint8Array | null }
  | { type: "rows"; version: number; rows: TableRow[] }
  | { type: "detail"; version: number; detail: TableDetail }
  /** Labels that changed, here or elsewhere; `labels[i]` is that of the prompt at `places[i]`. */
  | { type: "labels"; places: Uint32Array; labels: Uint8Array }
  | { type: "labelled"; request: number }
  /** The person was asked about so many prompts, and did not want it. */
  | { type: "declined"; request: number }
  | { type: "refused"; request: number; message: string }
  /** What undo or redo changed; no places: there was nothing to undo or redo. */
  | { type: "stepped"; step: "undo" | "redo"; places: Uint32Array }
  | { type: "failed"; message: string };

/** Widths that a person gave columns, in pixels; the others are as wide as there is room for. */
export type ColumnWidths = Readonly<Partial<Record<SortKey, number>>>;

/** What the page keeps for when it is shown again. */
export interface TableState {
  view: TableView;
  /** Place in the file of the focused prompt. */
  place: number;
  detailOpen: boolean;
  /** Missing in what an older version kept. */
  widths?: ColumnWidths;
}
