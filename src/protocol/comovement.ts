import * as z from "zod";

/** A value with its 95 % interval. */
export const estimateSchema = z.object({ value: z.number(), lower: z.number(), upper: z.number() });
export type Estimate = z.infer<typeof estimateSchema>;

/** One probe during training: mean refusal probability of the panels, each in [0, 1]. */
export const seriesPointSchema = z.object({
  step: z.number(),
  toxic: z.number(),
  seeminglyToxic: z.number(),
  general: z.number(),
});
export type SeriesPoint = z.infer<typeof seriesPointSchema>;

/** A figure is null where it is not defined, as a correlation with a constant is not. */
const figure = estimateSchema.nullable();

/** How the refusal of another group moves with that of toxic prompts. */
const togetherSchema = z.object({
  levels: z.object({ pearson: figure, spearman: figure }),
  differences: z.object({ pearson: figure, spearman: figure }),
  /** Slope β of the other group's changes on the toxic group's: 0 is decoupled, 1 is full co-movement. */
  spillOver: figure,
  /** Correlation of the toxic change at t with the other group's change at t + lag. */
  lags: z.array(z.object({ lag: z.int(), correlation: z.number().nullable() })),
  /** Refusal of toxic prompts minus that of the other group at the last probe. */
  finalGap: z.number(),
});
export type Together = z.infer<typeof togetherSchema>;

/** The co-movement figures of one run. */
export const comovementSchema = z.object({
  points: z.int(),
  /** True with fewer than 15 points: the figures are then too uncertain to rest a claim on. */
  few: z.boolean(),
  /** Length of the blocks that the bootstrap moves. */
  block: z.int(),
  seeminglyToxic: togetherSchema,
  general: togetherSchema,
});
export type Comovement = z.infer<typeof comovementSchema>;
