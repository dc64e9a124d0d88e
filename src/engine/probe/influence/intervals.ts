import type { ModelState } from "../../../protocol/probe/result.ts";
import type { Example } from "../../backend/backend.ts";
import type { DrawnTraining, RejectedAnswer, TrainingRow } from "../definition.ts";
import type { PreferenceKeys } from "../preferenceLoss.ts";

/** How much a training pair's loss was followed between two states. */
export interface DrawnPair {
  /** Index into the training pairs. */
  readonly training: number;
  readonly example: Example;
  /** Of a preference pair: what it is held against. */
  readonly against?: RejectedAnswer;
  /** Σ over the steps that drew it of rate times the factor of its loss. */
  readonly weight: number;
  readonly times: number;
}

/** Training of one stage between two neighbouring states. */
export interface Interval {
  /** Index of the state it begins with; gradients are taken there. */
  readonly from: number;
  readonly stage: number;
  readonly steps: number;
  /** Sum of the learning rates of its steps. */
  readonly rate: number;
  readonly pairs: readonly DrawnPair[];
  /** What makes the loss of its pairs, in a preference stage. */
  readonly preference?: PreferenceKeys;
}

/** The steps on answers between each two neighbouring states, a stage apart from the others. */
export function intervalsOf(
  states: readonly ModelState[],
  training: readonly TrainingRow[],
  drawn: DrawnTraining,
): Interval[] {
  return states.slice(1).flatMap((to, from) => {
    const between = drawn.steps.filter(
      ({ globalStep }) => states[from]!.globalStep <= globalStep && globalStep < to.globalStep,
    );
    return [...Map.groupBy(between, ({ stage }) => stage)].map(([stage, steps]): Interval => {
      const pairs = new Map<number, { weight: number; times: number; labelled: boolean }>();
      for (const { rate, weight, maskPrompt, pairs: own } of steps) {
        for (const i of own) {
          const known = pairs.get(i) ?? { weight: 0, times: 0, labelled: !maskPrompt };
          pairs.set(i, { ...known, weight: known.weight + rate * weight, times: known.times + 1 });
        }
      }
      const preference = drawn.preferences?.get(stage);
      return {
        from,
        stage,
        ...(preference && { preference }),
        steps: steps.length,
        rate: steps.reduce((sum, step) => sum + step.rate, 0),
        pairs: [...pairs].map(([i, { weight, times, labelled }]) => {
          const { example, against } = training[i]!;
          // Where prompts carry loss, all tokens but the first are the answer.
          return {
            training: i,
            weight,
            times,
            ...(against && { against }),
            example: labelled ? { ...example, promptLength: 1 } : example,
          };
        }),
      };
    });
  });
}
