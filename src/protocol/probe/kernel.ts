import * as z from "zod";
import { defineProbe } from "./contract.ts";
import { probeFigure } from "./result.ts";

/** Between which prompts pairs are taken: two groups, or prompts and their counterparts, which are in no other block. */
export const kernelPairs = [
  "toxic × toxic",
  "toxic × seemingly_toxic",
  "toxic × general",
  "seemingly_toxic × seemingly_toxic",
  "seemingly_toxic × general",
  "general × general",
  "matched",
] as const;
export type KernelPairs = (typeof kernelPairs)[number];

/** A mean over pairs with its 95 % interval, over resampled prompts and, where they are random, resampled probes. */
const estimateSchema = z.object({ value: probeFigure, lower: probeFigure, upper: probeFigure });

/** A statistic beside the same of shuffled labels or permuted counterparts. */
const testedSchema = z.object({
  value: probeFigure,
  chance: z.object({ mean: probeFigure, lower: probeFigure, upper: probeFigure, p: probeFigure }),
});

const blockSchema = z.object({
  between: z.enum(kernelPairs),
  pairs: z.int().describe("Pairs of two prompts; no prompt is paired with itself"),
  norm: estimateSchema.describe("Mean ‖K(x′, x)‖_F"),
  ratio: estimateSchema.describe("Mean κ = ‖K(x′, x)‖_F / ‖K(x′, x′)‖_F, over both orders of each pair"),
  symmetric: estimateSchema.describe("Mean ‖K(x′, x)‖_F / √(‖K(x′, x′)‖_F ‖K(x, x)‖_F), 0 to 1"),
});

const matrixSchema = z.array(z.array(probeFigure)).describe("Rows x′, columns x, in the order of `measured`");

/** All of it for one set of parameters. */
const kernelSchema = z.object({
  norm: matrixSchema.describe("‖K(x′, x)‖_F"),
  ratio: matrixSchema.describe("κ: rows of `norm` over their diagonal"),
  symmetric: matrixSchema.describe("`norm` over the root of both diagonals"),
  blocks: z.array(blockSchema).describe("Those without pairs are left out"),
  contrast: testedSchema
    .nullable()
    .describe(
      "Mean symmetric ratio of pairs within toxic and within seemingly toxic prompts, minus that across the two, beside shuffled labels; null where one has fewer than two prompts. " +
        "Matched pairs are left out",
    ),
  spill: testedSchema
    .nullable()
    .describe(
      "Mean symmetric ratio of toxic × seemingly toxic minus toxic × general pairs, beside shuffled labels of the latter two; null where one group is empty. Matched pairs are left out",
    ),
  matched: testedSchema
    .nullable()
    .describe(
      "Mean symmetric ratio of matched pairs, beside permuted counterparts; null for fewer than two matched pairs",
    ),
});
export type KernelFigure = z.input<typeof kernelSchema>;

const shareSchema = probeFigure.describe(
  "Mean over pairs of two prompts of ⟨K_part, K⟩_F / ‖K‖_F²; shares add up to 1 and may be below 0",
);

/** The empirical kernel of the first answer token's logits between prompts. */
export const kernelContract = defineProbe({
  id: "kernel",
  title: "Kernel between prompts",
  description:
    "Empirical tangent kernel K(x′, x) = J(x′)J(x)ᵀ of the first answer token's logits: how far a gradient step on one prompt moves " +
    "another one's logits, for pairs within and between groups, by state.",
  options: z.strictObject({
    logits: z
      .enum(["top", "random"])
      .default("top")
      .describe(
        "`top`: the block of K over each prompt's most probable tokens, exactly; `random`: all logits, by independent random probes",
      ),
    top: z
      .int()
      .positive()
      .max(100)
      .default(10)
      .describe(
        "Most probable tokens of each prompt at the first state; their logits are z(x) at every state",
      ),
    probes: z
      .int()
      .min(2)
      .max(256)
      .default(16)
      .describe("q random probes on each side; the relative standard error of a norm is at most about 1/√q"),
    centred: z
      .boolean()
      .default(false)
      .describe(
        "Whether each random probe's mean is subtracted: what adds the same to all logits does not count then",
      ),
    parameters: z
      .enum(["blocks", "all", "below", "from", "last", "adapter"])
      .default("blocks")
      .describe(
        "θ: all weights of the blocks; embeddings, final norm and head, too; blocks below ℓ; blocks from ℓ on; the last blocks and the head; or the adapter of the state's own stage",
      ),
    layer: z
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe("ℓ of `below` and `from`; where null that of the run's contrast, else the middle layer"),
    last: z.int().positive().default(2).describe("Blocks of `last`"),
    text: z
      .enum(["template", "raw"])
      .default("template")
      .describe("Whether prompts stand in the template, or alone, white space normalised"),
    perGroup: z
      .int()
      .min(1)
      .default(16)
      .describe("Maximum number of prompts of each group, drawn by the seed; matched pairs first"),
    draws: z
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .describe("Resamples for intervals, and shuffles of labels and counterparts"),
  }),
  figures: z.object({
    measured: z.array(z.int()).describe("Prompts measured, as indices into the result's prompts, by group"),
    parameters: z.object({
      of: z.string().describe("θ in words"),
      count: z.int().describe("Numbers in θ"),
    }),
    logits: z.string().describe("Which logits, in words"),
    relativeError: probeFigure.describe(
      "Stated relative standard error of one norm, 1/√q; null where it is exact",
    ),
    tokens: z
      .object({ total: z.int(), shortest: z.int(), longest: z.int() })
      .describe("Of the texts measured"),
    shared: probeFigure.describe(
      "Mean share of the top tokens that two prompts have in common; null with random probes",
    ),
    states: z.array(
      z.object({
        state: z.string(),
        kernel: kernelSchema,
        withoutHead: kernelSchema
          .nullable()
          .describe(
            "The same without the head's weights, which are the embedding's where the two are tied; null where they are not in θ",
          ),
        layers: z.array(
          z.object({ layer: z.int().nullable().describe("null outside the blocks"), share: shareSchema }),
        ),
        parts: z.array(z.object({ part: z.string(), share: shareSchema })),
      }),
    ),
  }),
  states: "several",
  prompts: { toxic: { atLeast: 0 }, seemingly_toxic: { atLeast: 0 }, general: { atLeast: 0 } },
  atLeast: 2,
});
export type KernelFigures = z.input<typeof kernelContract.figures>;
