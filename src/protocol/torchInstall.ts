import * as z from "zod";

/** What a PyTorch is built for. */
export const torchBuildSchema = z.enum(["cpu", "cuda", "rocm"]);
export type TorchBuild = z.infer<typeof torchBuildSchema>;

/** What an environment of each build takes on disk with what is downloaded for it, in bytes. */
export const environmentBytes: Readonly<Record<TorchBuild, number>> = { cpu: 3e9, cuda: 12e9, rocm: 20e9 };

/** An environment that would be made, or was, as it is described before anybody agrees to it. */
export const environmentPlanSchema = z.object({
  build: torchBuildSchema,
  folder: z.string(),
  /** The program that installs: uv where it is there, else pip of a virtual environment. */
  tool: z.enum(["uv", "pip"]),
  /** The Python that the environment is of; null where uv fetches one. */
  base: z.string().nullable(),
  /** What is installed, in exact versions. */
  packages: z.array(z.string()),
  /** The package index of PyTorch's own builds; null where the usual index has them. */
  index: z.string().nullable(),
  bytes: z.number(),
  /** Whether everything is there already. */
  present: z.boolean(),
  /** What a person must know beforehand, each a sentence. */
  notices: z.array(z.string()),
});
export type EnvironmentPlan = z.infer<typeof environmentPlanSchema>;
