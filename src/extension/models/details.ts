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
  /** What prompts are made into tokens by, and how they are put to the model; null where they cannot be. */
  tokenizer: z.object({ vocabSize: z.number(), template: z.enum(["chat", "alpaca"]) }).nullable(),
  /** Why its prompts cannot be made into tokens; null where they can. */
  tokenizerProblem: z.string().nullable(),
  /** What of the model's settings is ignored. */
  warnings: z.array(z.string()),
});
export type ModelDetails = z.infer<typeof modelDetailsSchema>;

/** What stands behind a model's name once it was inspected. */
export function modelSummary({ architecture, parameters, dtypes, bytes }: ModelDetails): string {
  const [type] = commonestFirst(dtypes)[0] ?? [];
  const stored = type === undefined ? [] : [type];
  return [architecture.family, parameterCount(parameters), ...stored, byteSize(bytes)].join(" · ");
}

function commonestFirst(dtypes: ModelDetails["dtypes"]): [type: string, count: number][] {
  return Object.entries(dtypes).sort(([, a], [, b]) => b - a);
}

/** A line about a model. */
export interface ModelLine {
  readonly name: string;
  readonly value: string;
  readonly icon: string;
}

/** What is known of a model, a line each. @param hub what it is on the hub, where it is of its cache. */
export function modelLines(
  details: ModelDetails,
  hub: { readonly id: string; readonly commit: string } | null = null,
): ModelLine[] {
  const { architecture, parameters, dtypes, bytes, format, tokenizer, tokenizerProblem, warnings } = details;
  const { family, layers, hiddenSize, contextLength } = architecture;
  const types = commonestFirst(dtypes).map(([type, count]) => `${type} × ${count}`);
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
    ...(tokenizer === null
      ? []
      : [
          { name: "Tokenizer", value: `readable, ${tokenizer.vocabSize} tokens`, icon: "whole-word" },
          {
            name: "Prompt template",
            value: tokenizer.template === "chat" ? "the model's own" : "none; Alpaca's is used",
            icon: "comment-discussion",
          },
        ]),
    ...(hub === null
      ? []
      : [{ name: "On the hub", value: `${hub.id} at ${hub.commit.slice(0, 12)}`, icon: "git-commit" }]),
  ];
}
