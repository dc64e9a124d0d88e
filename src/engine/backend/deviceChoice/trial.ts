import * as z from "zod";
import { onnxDeviceNames } from "../../../protocol/device.ts";
import type { Architecture } from "../../model/architecture.ts";

/** What a process that tries a device is asked, as JSON in its last argument. */
export const trialRequestSchema = z.object({
  device: z.enum(onnxDeviceNames),
  threads: z.int().positive().optional(),
  /** The block that is timed; the device is only started where it is left out. */
  block: z.object({ architecture: z.custom<Architecture>(), rank: z.int().positive().nullable() }).optional(),
});
export type TrialRequest = z.infer<typeof trialRequestSchema>;

/** What it answers, over its channel: native libraries and drivers print on stdout and stderr. */
export const trialSchema = z.object({
  /** Why the device does not start; null where it does. */
  problem: z.string().nullable(),
  /** The driver behind it, where that is known to compute on the CPU. */
  software: z.string().nullable().default(null),
  /** Time of the block; null where it was not timed. */
  milliseconds: z.number().nullable().default(null),
});
export type Trial = z.infer<typeof trialSchema>;
