import type { ProbeQuestion } from "../definition.ts";
import { type DirectionFigures, holds } from "./figures.ts";
import type { DirectionOptions, DirectionSample } from "./sample.ts";

/** What limits the figures. */
export function caveatsOf(
  { options, states }: ProbeQuestion<DirectionOptions>,
  sample: DirectionSample,
  figures: DirectionFigures,
): string[] {
  const failed = figures.states.filter(({ firstOrder }) => firstOrder === null).map(({ state }) => state);
  return [
    "Predicted changes are those of plain SGD on one step's loss. Training uses AdamW, whose steps are scaled parameter by parameter: what " +
      "they do is compared between states, where states of a run are given.",
    "A prompt that a step trains on is left out of that step's slopes, R² and means; the matrices have it.",
    ...(options.train.method === "lora"
      ? [
          "The steps move an adapter. Where a state has none of its own, it is a new one, whose factor B is zero: then only B has a " +
            "gradient, and it depends on the random A.",
        ]
      : []),
    ...(failed.length > 0
      ? [
          `At ${failed.join(", ")} slope 1 explains less than ${holds} of the measured changes at every rate: a step of these sizes is beyond ` +
            "first order, or so small that rounding shows. Try others with sizes or rates.",
        ]
      : []),
    ...(sample.swapped.length === 0
      ? ["No general pairs were given, so steps with answers that refuse nothing are not among the controls."]
      : [
          "The swapped answers are those of general pairs: they do not refuse, but they do not answer the toxic prompts either.",
        ]),
    ...(states.length > 1
      ? [
          "Between states that are far apart the change along the way need not be first order: R² then says so.",
        ]
      : []),
  ];
}
