import * as z from "zod";
import { quantity } from "../wording/numbers.ts";
import { steeringGroups, steeringSchema } from "./steering.ts";

/** What a method chose when it was fitted, and is stated wherever it is named: layer, position, strength, threshold. */
export const chosenSchema = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]));

/** What a method chose, in words: "layer 12, position -1, strength 1". */
export function chosenWords(chosen: z.infer<typeof chosenSchema>): string {
  return Object.entries(chosen)
    .map(([name, value]) => `${name} ${typeof value === "number" ? quantity(value) : value}`)
    .join(", ");
}

/** When a condition of a gate holds: its score at any of its blocks lies on its side of the threshold. */
const conditionSchema = z.object({
  /** The category of harmful prompts that it was taken from; absent where it was all of them. */
  name: z.string().optional(),
  layers: z.array(z.int().nonnegative()).min(1),
  threshold: z.number(),
  /** from: scores from the threshold on; below: those below it. */
  side: z.enum(["from", "below"]),
});
export type ConditionRecord = z.infer<typeof conditionSchema>;

/** `steering.json`: a fitted method. Its vectors lie beside it, in the safetensors file that it names. */
export const steeringRecordSchema = z.object({
  version: z.literal(1),
  created: z.iso.datetime(),
  /** The recipe's keys with every default stated. */
  steering: steeringSchema,
  /** The model it was fitted on; it acts on no other. */
  model: z.object({ name: z.string(), layers: z.int().positive(), hiddenSize: z.int().positive() }),
  /** How a prompt ("Hello") is written for the model. */
  prompt: z.string(),
  seed: z.int().nonnegative(),
  chosen: chosenSchema,
  numbers: z.record(z.string(), z.number()),
  /** Prompts of each group that were there, and that it was fitted and compared on. */
  prompts: z.partialRecord(
    z.enum(steeringGroups),
    z.object({ given: z.int(), train: z.int(), validation: z.int() }),
  ),
  /** What a reader must know of it, in whole sentences. */
  notes: z.array(z.string()),
  /** What a gate goes by, where that is conditions: one that holds suffices. Files of older versions state one by numbers and chosen. */
  conditions: z.array(conditionSchema).min(1).optional(),
  /** The candidates that were compared, where any were. */
  candidates: z
    .array(z.record(z.string(), z.union([z.number(), z.string(), z.boolean(), z.null()])))
    .optional(),
  /** Name and SHA-256 of the file with the tensors. */
  tensors: z.object({ file: z.string(), sha256: z.string() }),
});
export type SteeringRecord = z.infer<typeof steeringRecordSchema>;
