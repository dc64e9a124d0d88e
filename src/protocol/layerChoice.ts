import * as z from "zod";
import { figure as worded } from "../wording/numbers.ts";

/** A figure that may not exist: NaN travels as null. */
const figure = z.number().nullable();
const estimate = z.object({ auroc: figure, standardError: figure });

/** How the layer of a contrastive stage with `layer: "auto"` was chosen: the curve, and the controls beside it. */
export const layerChoiceSchema = z.object({
  layer: z.int().positive().describe("The layer chosen"),
  heldOut: z
    .enum(["category", "pair"])
    .describe("What the probes had not seen: whole categories, or matched pairs and single prompts"),
  groups: z.int().describe("How many of them there are"),
  folds: z.int(),
  curve: z.array(
    z.object({
      layer: z.int().positive(),
      ...estimate.shape,
      pairAccuracy: figure.describe("Share of matched pairs whose toxic prompt scores higher"),
      shuffled: z
        .object({ mean: figure, highest: figure })
        .describe("The same AUROC with shuffled labels, over all draws"),
    }),
  ),
  controls: z.object({
    draws: z.int().describe("Draws of shuffled labels"),
    shuffledBest: figure.describe("The highest AUROC of any layer that could be chosen, in any draw"),
    surface: estimate.describe("The same probe on character n-grams of the prompts"),
    source: estimate
      .nullable()
      .describe("What the file a prompt comes from says alone; null where all come from one file"),
  }),
});
export type LayerChoice = z.infer<typeof layerChoiceSchema>;

/** The curve's figures at the chosen layer. */
export function chosenFigures({ layer, curve }: LayerChoice): LayerChoice["curve"][number] | undefined {
  return curve.find((each) => each.layer === layer);
}

/** What speaks against a choice, in whole sentences; none where the controls are passed. */
export function layerCaveats(choice: LayerChoice): string[] {
  const { heldOut, layer, controls } = choice;
  const { draws, shuffledBest, surface, source } = controls;
  const chosen = chosenFigures(choice);
  const auroc = chosen?.auroc ?? 0.5;
  const within = auroc - (chosen?.standardError ?? 0);
  const at = `the AUROC of ${worded(auroc)} at layer ${layer}`;
  return [
    ...(heldOut === "pair"
      ? [
          "The categories of the contrast leave no two folds with both labels, so the layer was chosen with matched pairs " +
            `and single prompts held out, not categories: ${at} may be due to what tells the categories apart.`,
        ]
      : []),
    ...(shuffledBest !== null && auroc <= shuffledBest
      ? [
          `Layer ${layer} separates the contrast no better (AUROC ${worded(auroc)}) than some layer does in ${draws} ` +
            `draws of shuffled labels (${worded(shuffledBest)}): the choice of the layer may be chance.`,
        ]
      : []),
    ...(source?.auroc != null && source.auroc >= Math.min(within, 0.9)
      ? [
          `The source of a prompt alone predicts its label with an AUROC of ${worded(source.auroc)}: ${at} may be due ` +
            "to a difference between the files. Give both labels to prompts of each source, or use matched pairs.",
        ]
      : []),
    ...(surface.auroc !== null && surface.auroc >= Math.min(within, 0.9)
      ? [
          `Character n-grams of the prompts predict their labels with an AUROC of ${worded(surface.auroc)}: ${at} may ` +
            "be due to style. Use matched pairs, whose two prompts differ in little but their meaning.",
        ]
      : []),
  ];
}
