import * as z from "zod";
import { byteSize, count, duration } from "../../wording/numbers.ts";
import { backendSchema, memorySchema, torchSchema } from "../backend.ts";
import { chatSchema } from "../chat.ts";
import { deviceSchema } from "../device.ts";
import { labelSchema } from "../label.ts";
import { modelSchema } from "../model.ts";
import { sourceSchema } from "../source.ts";
import { type ProbePlan, probePlanSchema } from "./result.ts";

/** A model that is measured: states of a run, or a model alone. Paths are absolute, or relative to the request's root. */
const subjectSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("run"),
    folder: z.string().min(1),
    states: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("The last one, ends of stages, or all of them, as the probe takes, where left out"),
    backend: backendSchema.optional(),
    device: deviceSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal("model"),
    model: modelSchema,
    backend: backendSchema.default("auto"),
    device: deviceSchema.default("auto"),
    memory: memorySchema.default("auto"),
    torch: torchSchema.prefault({}),
    template: z.enum(["auto", "chat", "alpaca"]).default("auto"),
    chat: chatSchema.prefault({}),
    threads: z.int().positive().optional(),
    steering: z
      .string()
      .min(1)
      .optional()
      .describe("A fitted inference-time method that is in force, for probes that take one"),
  }),
]);

/** A probe that is asked for. */
export const probeRequestSchema = z.strictObject({
  probe: z.string().min(1),
  options: z.record(z.string(), z.json()).default({}),
  seed: z.int().nonnegative().optional().describe("That of the run, or 0, where left out"),
  root: z.string().min(1),
  subject: subjectSchema,
  prompts: z.array(sourceSchema).default([]).describe("The run's monitored prompts where left out"),
  training: z.array(sourceSchema).default([]).describe("The run's training pairs where left out"),
  openings: z
    .string()
    .min(1)
    .optional()
    .describe("File of derived openings; those of the run, or the default list, where left out"),
});
export type ProbeRequest = z.output<typeof probeRequestSchema>;

/** What a probe that is asked for would do. */
export const plannedProbeSchema = z.object({
  plan: probePlanSchema,
  seconds: z.number().nullable().describe("null where the speed of the device is not known"),
  states: z.array(z.string()),
  groups: z.record(labelSchema, z.int()).describe("Prompts of each group"),
  training: z.int().describe("Training pairs"),
  options: z.record(z.string(), z.json()).describe("Every option, defaults stated"),
  notices: z.array(z.string()).describe("What a person must know of the prompts"),
});
export type PlannedProbe = z.output<typeof plannedProbeSchema>;

/** What a probe computes, in words: "240 forward and 80 backward passes over 9,300 tokens, about 2 min, 310 MB beside the model". */
export function planWords(plan: ProbePlan, seconds: number | null): string {
  const { forwardPasses, backwardPasses, forwardTokens, backwardTokens, bytes } = plan;
  const passes =
    backwardPasses === 0
      ? `${count(forwardPasses)} forward passes`
      : `${count(forwardPasses)} forward and ${count(backwardPasses)} backward passes`;
  return [
    `${passes} over ${count(forwardTokens + backwardTokens)} tokens`,
    seconds === null ? "a time that is not known on this device" : timeWords(seconds),
    ...(bytes > 0 ? [`${byteSize(bytes)} beside the model`] : []),
  ].join(", ");
}

function timeWords(seconds: number): string {
  return seconds < 1 ? "less than a second" : `about ${duration(seconds)}`;
}
