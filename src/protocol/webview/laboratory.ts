import * as z from "zod";
import type { ProbeResult } from "../probe/result.ts";

/** Another result of the same run that can be opened from the page. */
export interface OtherResult {
  /** Name of its file, beside the one that is shown. */
  readonly file: string;
  readonly probe: string;
  readonly title: string;
  readonly states: readonly string[];
  readonly created: string;
}

/** What the host tells the laboratory page. */
export type LaboratoryToPage =
  | {
      readonly type: "result";
      /** Its figures hold by the probe's schema; those of a probe that this version does not know are drawn as tables alone. */
      readonly result: ProbeResult;
      readonly others: readonly OtherResult[];
      /** States of the run that can be measured; empty where the run is gone, or a model alone was measured. */
      readonly states: readonly string[];
      /** Whether the probe can be measured again from here: not in a workspace that is not trusted. */
      readonly canMeasure: boolean;
    }
  /** The file is no result, or is gone. */
  | { readonly type: "damaged"; readonly message: string }
  | { readonly type: "blur"; readonly blur: boolean };

/** What the laboratory page asks of its host. */
export const laboratoryFromPageSchema = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("openPrompt"),
    file: z.string(),
    line: z.int().positive(),
    id: z.string(),
  }),
  /** The tables are to be saved as CSV: one of them, or all in a folder that is asked for. */
  z.strictObject({ type: z.literal("exportData"), table: z.string().optional() }),
  /** The page is to be saved as one HTML file. */
  z.strictObject({ type: z.literal("exportPage") }),
  /** A copy of the run's recipe without these training prompts is to be made, and run when the person wants it. */
  z.strictObject({ type: z.literal("excludePrompts"), ids: z.array(z.string().min(1)).min(1) }),
  /** The same probe with other options or at other states; what is left out stays as it is. Its cost is shown first, its progress in a notification that cancels it. */
  z.strictObject({
    type: z.literal("measure"),
    options: z.record(z.string(), z.json()),
    states: z.array(z.string().min(1)).min(1).optional(),
  }),
  /** Another result of the run. */
  z.strictObject({ type: z.literal("openResult"), file: z.string().min(1) }),
  z.strictObject({ type: z.literal("openAsText") }),
]);
export type LaboratoryFromPage = z.output<typeof laboratoryFromPageSchema>;

/** A result of a run that a page about the run shows: which, and what is in it. */
export type ShownResult =
  /** As the run's mention of the result names it. */
  | { readonly file: string; readonly result: ProbeResult }
  | { readonly file: string; readonly problem: string };

/** What a page about a run asks about the results that lie with the run. */
export const runResultsRequestSchema = z.discriminatedUnion("type", [
  /** A result is to be read. */
  z.strictObject({ type: z.literal("read"), file: z.string().min(1) }),
  /** What the laboratory page would ask about it. */
  z.strictObject({
    type: z.literal("about"),
    file: z.string().min(1),
    request: laboratoryFromPageSchema,
  }),
  /** Something is to be measured: this probe at the ends of the run's stages, or what the person chooses. */
  z.strictObject({ type: z.literal("measure"), probe: z.string().min(1).optional() }),
]);
export type RunResultsRequest = z.output<typeof runResultsRequestSchema>;
