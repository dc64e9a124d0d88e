import * as z from "zod";
import { backendSchema, memorySchema, torchSchema } from "./backend.ts";
import { chatSchema } from "./chat.ts";
import { deviceSchema } from "./device.ts";
import { judgeSpecSchema } from "./judges.ts";
import { sourceSchema } from "./source.ts";

/** Openings of a refusal that are asked for: whose answers to which prompts they are derived from. Paths are absolute, or relative to `root`. */
export const openingsRequestSchema = z.strictObject({
  models: z
    .array(z.string().min(1))
    .min(1)
    .describe("Models and run folders, which answer one after another"),
  prompts: z.array(sourceSchema).min(1).describe("Training prompts, toxic and harmless ones"),
  root: z.string().min(1),
  judge: judgeSpecSchema.default("arditi").describe("Who decides which answers refuse"),
  samples: z.int().positive().default(8).describe("Answers per prompt and model, at temperature 1"),
  maxNewTokens: z.int().positive().default(64).describe("Length of an answer"),
  seed: z.int().nonnegative().default(0),
  backend: backendSchema.default("auto"),
  device: deviceSchema.default("auto"),
  memory: memorySchema.default("auto"),
  template: z.enum(["auto", "chat", "alpaca"]).default("auto"),
  chat: chatSchema.prefault({}),
  torch: torchSchema.prefault({}),
  out: z.string().min(1).describe("File that is written, *.openings.json; none is replaced"),
});
export type OpeningsRequest = z.output<typeof openingsRequestSchema>;

/** What deriving openings would compute. */
export const plannedOpeningsSchema = z.object({
  models: z.array(z.string()).describe("Names of those who answer"),
  prompts: z.int().describe("Different prompts"),
  answers: z.int().describe("Sampled answers of all models together, each of which is judged"),
  tokens: z.int().describe("Tokens of these answers, at most"),
  seconds: z
    .number()
    .nullable()
    .describe("About how long sampling takes at most; null where the speed of the device is not known"),
  judge: z.object({
    title: z.string(),
    immediate: z.boolean().describe("Whether it takes no time, as one of strings does"),
    isService: z.boolean().describe("Whether prompts and answers are sent to it"),
  }),
  notices: z.array(z.string()).describe("What a person must know of the prompts"),
});
export type PlannedOpenings = z.output<typeof plannedOpeningsSchema>;
