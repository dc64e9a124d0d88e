import * as z from "zod";
import { recipeSchema } from "./recipe.ts";

/** One run of a plan: a method with one seed and one set of changes. */
const cellSchema = z.object({
  /** SHA-256 of what is run, shortened: the same content has the same id wherever it is planned. */
  id: z.string(),
  /** Names the cell in the plan; it is also the name of its run folder. */
  name: z.string(),
  /** Name of the method in the joint report, with that of the change where there are several. */
  method: z.string(),
  seed: z.int(),
  recipe: recipeSchema,
});
export type Cell = z.infer<typeof cellSchema>;

/** `comparison.json` of a comparison's folder: the runs it consists of, each with its whole recipe. */
export const planSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  created: z.iso.datetime(),
  /** Folder against which the recipes' paths are resolved. */
  root: z.string(),
  cells: z.array(cellSchema).min(1),
});
export type Plan = z.infer<typeof planSchema>;

const header = { at: z.iso.datetime() };
const ofCell = { cell: z.string(), id: z.string() };

/** What happens to a plan, a line of `cells.jsonl` each. */
export const cellEventSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("comparison-started"),
    ...header,
    cells: z.int(),
    finished: z.array(z.string()).describe("Cells that had finished before"),
  }),
  z.object({ type: z.literal("cell-started"), ...header, ...ofCell }),
  z.object({ type: z.literal("cell-finished"), ...header, ...ofCell, seconds: z.number() }),
  z.object({ type: z.literal("cell-stopped"), ...header, ...ofCell }),
  z.object({
    type: z.literal("cell-failed"),
    ...header,
    ...ofCell,
    code: z.string(),
    message: z.string(),
    seconds: z.number(),
  }),
  z.object({
    type: z.literal("comparison-finished"),
    ...header,
    report: z
      .string()
      .nullable()
      .describe("Null where cells are missing (they failed, or are run elsewhere), or no suite was answered"),
    failed: z.array(z.string()),
  }),
  z.object({ type: z.literal("comparison-stopped"), ...header }),
  z.object({ type: z.literal("comparison-failed"), ...header, code: z.string(), message: z.string() }),
]);
export type CellEvent = z.infer<typeof cellEventSchema>;
type WithoutTime<E> = E extends CellEvent ? Omit<E, "at"> : never;
/** An event before the log gave it a time. */
export type NewCellEvent = WithoutTime<CellEvent>;
