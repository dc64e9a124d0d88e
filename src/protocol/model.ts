import * as z from "zod";

/** The model that something begins with, in its normal form: a model, and what is merged into it, in order. */
export interface NamedModel {
  /** Hugging Face folder, GGUF file, name of a pulled model, or owner/name[@revision] of the Hugging Face cache. */
  readonly base: string;
  /** PEFT adapters, run folders and states in them, in the order in which they are applied. */
  readonly adapters: readonly string[];
}

const nameSchema = z
  .string()
  .min(1)
  .describe(
    "Hugging Face folder, GGUF file, name of a pulled model, or owner/name[@revision] of a model in the Hugging Face cache",
  );

/** A model as a person names it: its name alone, or with adapters. Read as a {@link NamedModel}. */
export const modelSchema = z
  .union([
    nameSchema,
    z
      .strictObject({
        base: nameSchema,
        adapters: z
          .array(z.string().min(1))
          .default([])
          .describe(
            "PEFT adapters, run folders whose result the model begins with, or states in them (RUN/states/NAME, RUN/stages/INDEX), in the order in which they are applied",
          ),
      })
      .describe("A model with adapters"),
  ])
  .transform((named): NamedModel => (typeof named === "string" ? { base: named, adapters: [] } : named))
  .describe(
    "Hugging Face folder, GGUF file, name of a pulled model, or owner/name[@revision] of a model in the Hugging Face cache; or " +
      '{ "base": NAME, "adapters": [FOLDER, …] } with PEFT adapters and run folders, which are applied in their order',
  );
