import * as z from "zod";
import { byteSize, parameterCount } from "../../wording/numbers.ts";

/** What is shown of a model, as the engine's `inspect` tells it. */
export const modelDetailsSchema = z.object({
  format: z.string(),
  parameters: z.number(),
  /** Size on disk. */
  bytes: z.number(),
  /** How many tensors are stored in each type. */
  dtypes: z.record(z.string(), z.number()),
  architecture: z.object({
    family: z.string(),
    layers: z.number(),
    hiddenSize: z.number(),
    contextLength: z.number(),
  }),
  /** Why its prompts cannot be made into tokens; null where they can. */
  tokenizerProblem: z.string().nullable(),
  /** What of the model's settings is ignored. */
  warnings: z.array(z.string()),
});
export type ModelDetails = z.infer<typeof modelDetailsSchema>;

/** What stands behind a model's name once it was inspected. */
export function modelSummary({ architecture, parameters, bytes }: ModelDetails): string {
  return [architecture.family, parameterCount(parameters), byteSize(bytes)].join(" · ");
}

/** A line about a model. */
export interface ModelLine {
  readonly name: string;
  readonly value: string;
  readonly icon: string;
}

/** What is known of a model, a line each. */
export function modelLines(details: ModelDetails): ModelLine[] {
  const { architecture, parameters, dtypes, bytes, format, tokenizerProblem, warnings } = details;
  const { family, layers, hiddenSize, contextLength } = architecture;
  const types = Object.entries(dtypes)
    .sort(([, a], [, b]) => b - a)
    .map(([type, count]) => `${type} × ${count}`);
  return [
    ...(tokenizerProblem === null
      ? []
      : [{ name: "No tokenizer", value: tokenizerProblem, icon: "warning" }]),
    ...warnings.map((value) => ({ name: "Warning", value, icon: "warning" })),
    { name: "Architecture", value: family, icon: "circuit-board" },
    {
      name: "Layers",
      value: `${layers} of ${hiddenSize}, context ${contextLength}`,
      icon: "layers",
    },
    { name: "Parameters", value: parameterCount(parameters), icon: "symbol-number" },
    { name: "Stored as", value: `${format}: ${types.join(", ")}`, icon: "file-binary" },
    { name: "Size on disk", value: byteSize(bytes), icon: "database" },
  ];
}
