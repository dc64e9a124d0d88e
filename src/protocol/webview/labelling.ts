import * as z from "zod";
import { type Label, labelSchema } from "../label.ts";
import type { Outcome } from "../report/verdicts.ts";
import { type LabelAgreement, labellingSchema } from "./labelAgreement.ts";

/**
 * In which order prompts come up. `disputed`: by how people differ; `disagreement`: by how far label and the run that is shown are apart;
 * `informative`: open prompts by the shown run's uncertainty times how they differ from each other.
 */
const promptOrderSchema = z.enum(["file", "unlabelled", "disputed", "disagreement", "informative"]);
export type PromptOrder = z.infer<typeof promptOrderSchema>;

/** Which labels are listed. */
export const labelFilterSchema = z.enum([
  "all",
  "toxic",
  "seemingly_toxic",
  "general",
  "unlabelled",
  "skipped",
  "excluded",
  "disputed",
]);
export type LabelFilter = z.infer<typeof labelFilterSchema>;

const querySchema = z.object({
  order: promptOrderSchema,
  /** Words that the prompt or its kind contains, without regard to case; empty for all. */
  text: z.string(),
  label: labelFilterSchema,
  /** Two labellings that say different things of the prompt. */
  differ: z.object({ first: labellingSchema, second: labellingSchema }).optional(),
});
/** Which prompts are listed, and in which order. */
export type Query = z.infer<typeof querySchema>;

const modeSchema = z.enum(["one", "grid", "agreement"]);

/** What a panel is asked to show: which prompts, and how. */
export const labellingViewSchema = z.object({
  query: querySchema.partial().optional(),
  mode: modeSchema.optional(),
});
export type LabellingView = z.infer<typeof labellingViewSchema>;

/** What a person can decide here: a label, seen but not decided, or none. */
export const choiceSchema = z.union([labelSchema, z.literal("skip"), z.null()]);
export type LabelChoice = z.infer<typeof choiceSchema>;

/** A prompt's place in its file, counted from 0. */
export const placeSchema = z.int().nonnegative();

/** Messages of the labelling page. */
export const labellingFromPageSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("list"), query: querySchema }),
  /** The page shows these prompts of the list and does not know them yet. */
  z.object({ type: z.literal("rows"), places: z.array(placeSchema).max(200) }),
  z.object({ type: z.literal("prompt"), place: placeSchema }),
  z.object({
    type: z.literal("label"),
    /** Comes back in `labelled`, `declined` or `refused`. */
    request: z.int(),
    ids: z.array(z.string()).min(1),
    label: choiceSchema,
    note: z.string().optional(),
  }),
  z.object({ type: z.literal("undo") }),
  z.object({ type: z.literal("redo") }),
  /** Show the prompt in its file. */
  z.object({ type: z.literal("reveal"), place: placeSchema }),
  z.object({ type: z.literal("chooseFile") }),
  /**
   * Names two prompts a matched pair; `with` null takes back the name that people gave. Prompts are named by their ids, since the file may be read anew
   * meanwhile and places are then those of others.
   */
  z.object({ type: z.literal("pair"), id: z.string(), with: z.string().nullable() }),
  /** Work out how far people agree. */
  z.object({ type: z.literal("agreement") }),
  z.object({
    type: z.literal("do"),
    what: z.enum(["train", "merge", "secondPass", "exportAgreement", "showAgreement"]),
  }),
]);
export type LabellingFromPage = z.infer<typeof labellingFromPageSchema>;

/** A prompt as a line of the list. */
export interface PromptRow {
  place: number;
  line: number;
  kind?: string;
  /** The prompt's beginning; a line of the list shows no more. */
  text: string;
  /** Refusal probability in the run that is shown. */
  refusalProbability?: number;
  /** Why it stands where it does in the list. */
  reason?: string;
}

/** One person's label of a prompt, for the prompts on which people differ. */
export interface Opinion {
  by: string;
  label: Label;
  at: string;
}

/** A prompt as it stands beside another. */
export interface Beside {
  place: number;
  line: number;
  prompt: string;
  label?: Label;
  /**
   * `twin`: of the same pair; `named`: of a pair that people named; `proposed`: of two prompts without a counterpart, a toxic and a
   * seemingly toxic one, the most alike; `nearest`: most alike among those of the opposite label.
   */
  why: "twin" | "named" | "proposed" | "nearest";
  /** Jaccard similarity of word trigrams, in (0, 1]. */
  similarity?: number;
}

/** All that is shown of one prompt. */
export interface PromptDetail {
  place: number;
  id: string;
  line: number;
  prompt: string;
  kind?: string;
  split?: string;
  /** The label that the file gives. */
  fileLabel?: Label;
  /** The decision that holds, and whose it is. */
  decision?: { label: LabelChoice; by: string; at: string; note?: string };
  opinions: Opinion[];
  beside?: Beside;
  /** Why it stands where it does in the list. */
  reason?: string;
  /** What the model of the run that is shown did; without an outcome where it was not asked for an answer. */
  run?: { name: string; method: string; refusalProbability: number; outcome?: Outcome };
}

/** A prompt file as a whole; labels are bytes, see labelBytes.ts. */
export interface LabellingFile {
  uri: string;
  /** Relative to the workspace. */
  path: string;
  /** The ids of all prompts, one after another, each of `idLength` characters: one string is a tenth of as many strings. */
  ids: string;
  idLength: number;
  labels: Uint8Array;
  /** Where to begin, when a prompt was asked for. */
  begin?: number;
  /** A person labels again: no labels are shown but those of this pass, and the order is not the file's. */
  blind?: boolean;
  /** How many prompts a second pass was asked for; there may be fewer. */
  secondPass?: number;
}

/** Messages to the labelling page. */
export type LabellingToPage =
  | { type: "settings"; guidelines: string; blur: boolean }
  | { type: "file"; file: LabellingFile }
  /** The file cannot be shown; in words. */
  | { type: "unreadable"; message: string }
  /** The places of the prompts that the query asks for, in its order. */
  | { type: "list"; query: Query; places: Uint32Array }
  | { type: "rows"; rows: PromptRow[] }
  | { type: "prompt"; detail: PromptDetail }
  /** Labels that changed, here or elsewhere; `labels[i]` is that of the prompt at `places[i]`. */
  | { type: "labels"; places: Uint32Array; labels: Uint8Array }
  | { type: "labelled"; request: number }
  /** The person was asked about so many prompts, and did not want it. */
  | { type: "declined"; request: number }
  | { type: "refused"; request: number; message: string }
  /** What undo or redo changed; no places: there was nothing to undo or redo. */
  | { type: "stepped"; step: "undo" | "redo"; places: Uint32Array }
  | { type: "failed"; message: string }
  /** The run that is shown with the file, by name; null where there is none. What was told of prompts may say otherwise now. */
  | { type: "run"; name: string | null }
  | { type: "agreement"; agreement: LabelAgreement }
  | { type: "go"; place: number }
  | { type: "view"; view: LabellingView };

/** What the page keeps, and by which the host opens it again after a reload. */
export const labellingStateSchema = z.object({
  uri: z.string(),
  id: z.string().optional(),
  mode: modeSchema,
  query: querySchema,
  guidelinesOpen: z.boolean(),
  /** Notes that were begun and not saved, by prompt id. */
  drafts: z.record(z.string(), z.string()),
  /** How many prompts a second pass has. */
  secondPass: z.int().positive().optional(),
});
export type LabellingState = z.infer<typeof labellingStateSchema>;
