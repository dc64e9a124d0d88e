import * as z from "zod";
import { defineProbe } from "./contract.ts";
import { kernelPairs } from "./kernel.ts";
import { probeFigure } from "./result.ts";

/** Means over pairs of prompts. Right side = `features` + `cross` + `tail` + `delta`. */
const sidesSchema = z.object({
  between: z.enum(kernelPairs),
  pairs: z.int(),
  left: probeFigure.describe("‖K(x′, x)‖_F, the left side"),
  features: probeFigure.describe("c_ℓ h′ᵀQ_ℓh, which may be below 0"),
  cross: probeFigure.describe("√c_ℓ τ_ℓ (‖G_x′‖_F + ‖G_x‖_F)"),
  tail: probeFigure.describe("τ_ℓ²"),
  delta: probeFigure.describe("Δ"),
  right: probeFigure.describe("The right side"),
  ratio: z
    .object({ mean: probeFigure, lowest: probeFigure, highest: probeFigure })
    .describe("Left side over right side of each pair; 1 where the bound is tight"),
  without: probeFigure.describe("Share of the pairs whose left side is above the right side without Δ"),
  trunk: probeFigure.describe(
    "Kernel of the parameters before ℓ, ‖c_ℓ G_x′G_xᵀ‖_F: the left side where the tail is frozen",
  ),
  frozen: probeFigure.describe("The right side where the tail is frozen, τ_ℓ = 0: c_ℓ h′ᵀQ_ℓh + Δ"),
  tailKernel: probeFigure.describe("‖K‖_F of the parameters from ℓ on, which stands against τ_ℓ²"),
});

/** How well a form in features says what the kernel before ℓ is, on pairs of prompts that it was not fitted on. */
const fitSchema = z.object({
  prompts: z.int().describe("Prompts that Q_ℓ was fitted on"),
  rank: z.int().describe("Rank of Q_ℓ"),
  ridge: z.number().describe("Penalty on ‖Q_ℓ‖_F², chosen by cross-validation among the fitted prompts"),
  r2: probeFigure.describe(
    "Share of the variance of ‖c_ℓ G_x′G_xᵀ‖_F over the evaluated pairs that c_ℓ h′ᵀQ_ℓh explains; may be below 0",
  ),
  correlation: probeFigure.describe("Pearson correlation of the two over the same pairs"),
  inner: probeFigure.describe("The same share by a multiple of h′ᵀh alone"),
  permuted: z
    .object({ mean: probeFigure, highest: probeFigure })
    .describe(
      "The same share where each prompt's features are another prompt's while Q_ℓ is fitted, over up to 20 draws",
    ),
});

const layerSchema = z.object({
  layer: z.int(),
  c: probeFigure.describe("c_ℓ"),
  tau: probeFigure.describe("τ_ℓ, the largest ‖R_x‖_F"),
  delta: probeFigure.describe("Δ"),
  fit: fitSchema,
  carried: z
    .object({ r2: probeFigure, correlation: probeFigure })
    .nullable()
    .describe(
      "The share that c_ℓ and Q_ℓ of the first state explain, with features of this one; null at the first state",
    ),
  between: z.array(sidesSchema).describe("By groups of prompts; those without pairs are left out"),
  tailShare: probeFigure.describe("Mean ‖K‖_F of the parameters from ℓ on over mean ‖K‖_F"),
  tailChange: probeFigure.describe(
    "Mean ‖K‖_F of the parameters from ℓ on over that at the first state: what moves a kernel measured in the tail even where the tail is frozen",
  ),
});

const pairSchema = z.object({
  first: z.int().describe("Index into the result's prompts"),
  second: z.int(),
  matched: z.boolean().describe("Whether the one is the other's counterpart"),
  left: probeFigure,
  features: probeFigure,
  cross: probeFigure.describe("√c_ℓ τ_ℓ (‖G_x′‖_F + ‖G_x‖_F)"),
  right: probeFigure,
  ratio: probeFigure,
});

/** The gap between groups beside that of shuffled labels; matched pairs are left out. */
const gapSchema = z.object({
  value: probeFigure.describe(
    "Mean over pairs within toxic and within seemingly toxic prompts, minus the mean over pairs across, over the mean of all of these",
  ),
  shuffled: z.object({ mean: probeFigure, lower: probeFigure, upper: probeFigure, p: probeFigure }),
});

/** Both sides of the bound of the kernel by features, for pairs of prompts. */
export const boundContract = defineProbe({
  id: "bound",
  title: "Bound of the kernel by features",
  description:
    "Both sides of ‖K(x′, x)‖_F ≤ c_ℓ h′ᵀQ_ℓh + √c_ℓ τ_ℓ (‖G_x′‖_F + ‖G_x‖_F) + τ_ℓ² + Δ for pairs of prompts, by layer and state: " +
    "how tight it is, and which of its terms are large.",
  options: z.strictObject({
    layer: z
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe(
        "Layer ℓ of the pairs that are listed; where null that of the run's contrast, else the middle layer",
      ),
    top: z
      .int()
      .positive()
      .max(100)
      .default(10)
      .describe("Most probable tokens of the first state whose logits are z(x)"),
    parameters: z
      .enum(["blocks", "all"])
      .default("blocks")
      .describe("θ: the weights of all blocks, or embeddings, final norm and head, too"),
    perGroup: z
      .int()
      .min(4)
      .default(8)
      .describe("Maximum number of prompts of each group, drawn by the seed; matched pairs first"),
    draws: z
      .int()
      .min(1)
      .max(10_000)
      .default(200)
      .describe("Shuffles of labels and permutations of features"),
  }),
  figures: z.object({
    layer: z.int().describe("ℓ of the pairs listed"),
    top: z.int(),
    parameters: z.enum(["blocks", "all"]),
    measured: z.array(z.int()).describe("Prompts measured, as indices into the result's prompts"),
    fitted: z
      .array(z.int())
      .describe("Those of them that Q_ℓ is fitted on; pairs of the others are evaluated"),
    states: z.array(
      z.object({
        state: z.string(),
        layers: z.array(layerSchema).describe("By ℓ, from 1 on"),
        pairs: z.array(pairSchema).describe("At `layer`"),
        gaps: z
          .object({ left: gapSchema, features: gapSchema, right: gapSchema })
          .nullable()
          .describe("At `layer`; null where one of the two groups has fewer than two evaluated prompts"),
      }),
    ),
  }),
  states: "several",
  prompts: { toxic: { atLeast: 4 }, seemingly_toxic: { atLeast: 4 }, general: { atLeast: 0 } },
});
export type BoundFigures = z.infer<typeof boundContract.figures>;
