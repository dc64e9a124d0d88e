import type * as z from "zod";
import type { Label } from "../label.ts";
import type { TrainingPart } from "./result.ts";

/** How many states a probe measures: exactly one, one or more, or two or more in the order of the run. */
export type StateNeed = "one" | "several" | "trail";

/** What a probe is, for everyone who offers, plans, reads or draws it: what is computed is `engine/probe`'s. */
export interface ProbeContract<
  Id extends string = string,
  Options extends z.ZodObject = z.ZodObject,
  Figures extends z.ZodType = z.ZodType,
> {
  readonly id: Id;
  readonly title: string;
  /** One sentence: what it measures. */
  readonly description: string;
  /** Every key with a default and a description, so that `{}` is a valid value. */
  readonly options: Options;
  /** What its picture needs, its negative control included. Numbers that may not exist are `probeFigure`. */
  readonly figures: Figures;
  readonly states: StateNeed;
  /** The groups of prompts it takes, and how many of each it needs at least; prompts of other groups are left out. */
  readonly prompts: Readonly<Partial<Record<Label, { readonly atLeast: number }>>>;
  /** How many prompts it needs over all groups; 1 where left out. */
  readonly atLeast?: number;
  /** The parts of a run's training data it takes gradients of, and how many pairs it needs; none where left out. */
  readonly training?: { readonly parts: readonly TrainingPart[]; readonly atLeast: number };
  /** Whether it makes steps of training, which is done on copies of saved states and never during a run. */
  readonly trains?: true;
  /**
   * Whether it can be measured with an inference-time method in force: it reads answers and their probabilities, on which backends apply
   * interventions. Gradients and the features of layers are those of the model without one.
   */
  readonly steers?: true;
}

/** Defines what a probe is. */
export function defineProbe<const Id extends string, Options extends z.ZodObject, Figures extends z.ZodType>(
  contract: ProbeContract<Id, Options, Figures>,
): ProbeContract<Id, Options, Figures> {
  return contract;
}

/** The options of a probe, every default stated. */
export type OptionsOf<C extends ProbeContract> = z.output<C["options"]>;
/** The figures of a probe as it hands them over, before NaN becomes null. */
export type FiguresOf<C extends ProbeContract> = z.input<C["figures"]>;
