import * as z from "zod";
import { backendRecordSchema, memoryPlanSchema } from "./backend.ts";
import { deviceChoiceSchema } from "./device.ts";
import { missingSuiteSchema } from "./missingSuite.ts";

const fileSchema = z.object({ file: z.string(), bytes: z.int().nonnegative(), sha256: z.string() });

const adapterSchema = z.object({ path: z.string(), files: z.array(fileSchema) });

/** `manifest.json` of a run folder: what another person needs to run the same again, and who wrote it. */
export const manifestSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  created: z.iso.datetime(),
  seed: z.int(),
  model: z.object({
    name: z.string(),
    path: z.string(),
    format: z.string(),
    family: z.string(),
    hub: z
      .object({ id: z.string(), commit: z.string() })
      .optional()
      .describe("Name and commit of a model of the Hugging Face cache"),
    files: z.array(fileSchema),
  }),
  /** What the model begins with, where the recipe names adapters or runs, in their order. */
  adapters: z.array(adapterSchema).optional(),
  /** The same in runs of older versions, which had one adapter. */
  adapter: adapterSchema.optional(),
  data: z.array(
    fileSchema.extend({
      suite: z.string().optional().describe("Id of the known suite that the file is of"),
      revision: z.string().optional().describe("Revision at which its declaration names the file"),
    }),
  ),
  /** Suites that could not be had. A run that is resumed by its folder leaves them out, too; one that is resumed by its recipe looks for them again. */
  missingSuites: z.array(missingSuiteSchema).optional(),
  /** How a prompt ("Hello") is written for the model; absent in runs of older versions. */
  prompt: z
    .object({ template: z.enum(["chat", "alpaca"]), answered: z.string(), written: z.string() })
    .optional(),
  recipe: z.object({
    root: z.string().describe("Folder against which the recipe's paths are resolved"),
    fromHere: z
      .string()
      .optional()
      .describe(
        "The same from the run folder, by which it is found where both were moved; absent in runs of older versions",
      ),
  }),
  experiment: z
    .string()
    .optional()
    .describe(
      "Folder of the experiment that the run is one of, as paths to its other runs were written; absent for a run by itself, and in runs of older versions",
    ),
  versions: z.record(z.string(), z.string()),
  platform: z.string(),
  device: z.string(),
  deviceChoice: deviceChoiceSchema
    .optional()
    .describe(
      "Why this backend and device, where the recipe leaves them to auto; absent where it names them, and in runs of older versions",
    ),
  backend: backendRecordSchema
    .optional()
    .describe("What computes; the onnx backend where absent, as in runs of older versions"),
  memoryPlan: memoryPlanSchema.optional().describe("What was planned to stay in memory"),
  threads: z.int().nullable(),
  pid: z.int(),
  argv: z.array(z.string()),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** `engine.json` of a run folder while an engine works in it: how to speak to that engine. */
export const engineSchema = z.object({
  pid: z.int().positive(),
  /** Answers `attach` and `stop` between steps. */
  pipe: z.string().min(1),
  /** Answers `ping` and `stop` at once. */
  liveness: z.string().min(1),
  started: z.iso.datetime(),
});
export type EngineRecord = z.infer<typeof engineSchema>;
