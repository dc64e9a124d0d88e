import * as z from "zod";
import type { ProbeContract } from "./contract.ts";
import { probeContracts } from "./probes.ts";

const momentSchema = z
  .union([
    z.literal("stage-end"),
    z.strictObject({ every: z.int().positive().describe("Steps between two measurements, from 0 on") }),
  ])
  .default("stage-end")
  .describe(
    "When it is measured: at the end of every stage, or before the first step and every so many steps of each stage",
  );

const contracts: readonly ProbeContract[] = probeContracts;

const entries = contracts.map(({ id, title, description, options }) =>
  z
    .strictObject({
      probe: z.literal(id).describe(`${title}: ${description}`),
      at: momentSchema,
      options: options.prefault({}).describe(`Options of the probe ${id}`),
    })
    .describe(title),
);

/** A probe that a recipe has measured during training. */
const entrySchema = z.discriminatedUnion("probe", entries as [(typeof entries)[number]]);
export type LaboratoryEntry = z.output<typeof entrySchema>;

/** The figures of the laboratory that are measured while a run trains. */
export const laboratorySchema = z
  .array(entrySchema)
  .default([])
  .describe(
    "Probes that are measured on the monitored prompts during training; their results lie in the folder `probes` of the run. A probe that " +
      "fails is a warning",
  );
