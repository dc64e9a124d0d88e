import * as z from "zod";
import type { Activity } from "../activity.ts";
import type { RunEventOf } from "../events.ts";
import type { LaboratoryMention } from "../report/laboratory.ts";
import type { RunState } from "../timeline.ts";
import { runResultsRequestSchema, type ShownResult } from "./laboratory.ts";

/** The panels of prompts whose refusal is watched, in the order in which they are shown. */
export const panelNames = ["toxic", "seeminglyToxic", "general"] as const;
export type PanelName = (typeof panelNames)[number];

/**
 * A training step, as short as it can travel: global step, index of the stage, loss, learning rate, separation,
 * retention. Long runs have tens of thousands of them.
 */
export type StepRow = readonly [
  globalStep: number,
  stage: number,
  loss: number | null,
  learningRate: number | null,
  separation: number | null,
  retention: number | null,
];

/** What of a run's log the page draws; steps are rows, everything else is as the log has it. */
export type ShownEvent =
  | StepRow
  | Omit<RunEventOf<"run-started">, "hashes">
  | RunEventOf<"resumed">
  | RunEventOf<"telemetry">
  | RunEventOf<"stage-started">
  | RunEventOf<"probe">
  | RunEventOf<"warning">;

/**
 * What a run is doing, as the page says it: `starting` while it has no log, `interrupted` when it has not ended and
 * nobody works on it, `damaged` when its folder cannot be understood, `gone` when that was deleted.
 */
export type ShownState = RunState | "starting" | "interrupted" | "damaged" | "gone";

/** How far a run has come. */
export interface ShownProgress {
  readonly state: ShownState;
  readonly step: number;
  readonly totalSteps: number | null;
  readonly etaSeconds: number | null;
  readonly activity: Activity | null;
  /** Why the run failed or its folder is damaged, in words. */
  readonly problem: string | null;
  readonly hasReport: boolean;
  /** The stop that was asked for and has not come yet: what it does and when, and whether it keeps the best state, where that is known. */
  readonly stopping: { readonly keepBest: boolean | null; readonly words: string } | null;
}

/** A run that the page shows. */
export interface ShownRun {
  /** URI of its folder. */
  readonly id: string;
  readonly label: string;
  /** Its method in the comparison that it belongs to. */
  readonly method?: string;
}

/** The prompts of a run's panels, in the order of the figures in its probes. */
export type PanelPrompts = Record<PanelName, readonly { readonly text: string; readonly kind?: string }[]>;

/**
 * What the host tells the page. Of a run's log it tells everything whenever the page appears, `reset` with the first
 * message, and then what comes.
 */
export type DashboardToPage =
  | {
      readonly type: "runs";
      readonly runs: readonly ShownRun[];
      /** What the page keeps for the host beside its runs. */
      readonly kept: Pick<DashboardContents, "follows" | "removed">;
    }
  | {
      readonly type: "events";
      readonly run: string;
      readonly reset: boolean;
      readonly events: readonly ShownEvent[];
      readonly progress: ShownProgress;
    }
  /** The results of the laboratory that lie with the run now. */
  | { readonly type: "results"; readonly run: string; readonly mentions: readonly LaboratoryMention[] }
  /** One of them, as the page asked for it. */
  | { readonly type: "result"; readonly run: string; readonly shown: ShownResult }
  /** Whether prompts are blurred until they are pointed at. */
  | { readonly type: "settings"; readonly blur: boolean }
  | { readonly type: "prompts"; readonly run: string; readonly prompts: PanelPrompts }
  | { readonly type: "prompts-missing"; readonly run: string; readonly reason: string };

const run = z.string().min(1);

/** What the page asks of the host. */
export const dashboardFromPage = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("add-run") }),
  z.strictObject({ type: z.literal("remove-run"), run }),
  z.strictObject({
    type: z.literal("command"),
    run,
    command: z.enum(["stop", "stopAndKeepBest", "resume", "runAgain", "openReport", "openLog"]),
  }),
  z.strictObject({ type: z.literal("prompts"), run }),
  z.strictObject({ type: z.literal("laboratory"), run, ask: runResultsRequestSchema }),
  z.strictObject({
    type: z.literal("open-prompt"),
    run,
    panel: z.enum(panelNames),
    index: z.int().nonnegative(),
  }),
  z.strictObject({
    type: z.literal("save"),
    /** Proposed name of the file, without its extension. */
    name: z.string().regex(/^[\w-]+$/),
    format: z.enum(["png", "svg", "csv"]),
    /** Text of the file; base64 of its bytes for a PNG. */
    content: z.string(),
  }),
]);
export type DashboardFromPage = z.output<typeof dashboardFromPage>;
/** What a run can be told from the page. */
export type RunCommand = Extract<DashboardFromPage, { type: "command" }>["command"];

/** Orders of the list of monitored prompts. */
export const promptOrders = ["panel", "highest", "lowest", "risen", "fallen"] as const;
export type PromptOrder = (typeof promptOrders)[number];

/** What a dashboard shows: URIs of folders. */
export const dashboardContentsSchema = z.object({
  runs: z.array(run),
  /** The experiments whose runs are added as they begin. */
  follows: z.array(run).default([]),
  /** Runs that a person took from the page, which are not added again. */
  removed: z.array(run).default([]),
});
export type DashboardContents = z.infer<typeof dashboardContentsSchema>;

/** What the page keeps between two showings, in the person's settings of it. */
export const dashboardStateSchema = dashboardContentsSchema.extend({
  smoothing: z.number().min(0).max(0.99),
  hidden: z.array(z.string()),
  /** Selected prompts as `panel:index`. */
  selected: z.array(z.string()),
  order: z.enum(promptOrders).default("panel"),
  /** Whether the heads of runs are folded to a line; null where the room decides. */
  folded: z.boolean().nullable().default(null),
  /** Whether several seeds of a method are drawn with their mean, or each by itself. */
  seeds: z.enum(["mean", "each"]).default("mean"),
});
export type DashboardState = z.infer<typeof dashboardStateSchema>;
