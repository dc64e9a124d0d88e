/**
 * The room of inference-time methods. A method is fitted on groups of prompts (`fit`) and afterwards says which changes to
 * activations are in force for given prompts (`steer`); it is a file here and a row in `methods.ts`. What was fitted is a file on
 * disk (`steeringFile.ts`). `steeredBackend.ts` is a backend under a method: whatever measures a model measures a steered one without
 * knowing. A control (`control.ts`) changes a method's interventions, so that every method has one; `effects.ts` measures whether
 * a method acted at all.
 */
import type { SteeringGroup, SteeringOf, SteeringType } from "../../protocol/steering.ts";
import type { SteeringRecord } from "../../protocol/steeringRecord.ts";
import type { Backend } from "../backend/backend.ts";
import type { Intervention } from "../backend/interventions.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import type { Parameter } from "../model/weights.ts";
import type { PromptSuffix, SteeredPrompt } from "./promptSuffix.ts";

/** What a method is fitted with. */
export interface FitContext {
  readonly backend: Backend;
  readonly encoder: PromptEncoder;
  readonly suffix: PromptSuffix;
  /** Openings of a refusal, in words. */
  readonly openings: readonly string[];
  /** The prompts of each group of `groupsOf` that fit the model's context, in the order of their files. */
  readonly prompts: Readonly<Record<SteeringGroup, readonly string[]>>;
  /** The category of each harmful prompt that has one, by its words. */
  readonly categories: ReadonlyMap<string, string>;
  /** Of every draw. */
  readonly seed: number;
  /** Told after each pass or candidate. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a method found. */
export type Fitted = Pick<
  SteeringRecord,
  "chosen" | "numbers" | "prompts" | "notes" | "conditions" | "candidates"
> & {
  /** By name. Names that begin with "model." are the file's own. */
  readonly tensors: ReadonlyMap<string, Parameter>;
};

/** A method as it was fitted and is applied: what `fit` found, under the keys it was fitted by. */
export interface FittedSteering<T extends SteeringType = SteeringType> {
  readonly steering: SteeringOf<T>;
  readonly chosen: SteeringRecord["chosen"];
  readonly numbers: SteeringRecord["numbers"];
  readonly conditions?: SteeringRecord["conditions"];
  readonly tensors: ReadonlyMap<string, Parameter>;
}

/** What a method acts with. */
export interface SteerContext {
  /** The model without the method, for passes of its own such as those of a gate. */
  readonly backend: Backend;
  readonly encoder: PromptEncoder;
  readonly suffix: PromptSuffix;
}

/** What is in force for some prompts. */
export interface Steered {
  /** Which there are, and where, does not depend on the prompts; `scale` and `positions.from` do. */
  readonly interventions: readonly Intervention[];
  /** What a gate decided for each prompt; absent for methods without one. */
  readonly gate?: readonly GateDecision[];
}

/** What a gate decided for a prompt. */
export interface GateDecision {
  /** 1 where the prompt was taken for unsafe, −1 for safe; 0 where it is left alone. */
  readonly decision: 1 | 0 | -1;
  /** The score that was held against the threshold, on the method's own scale. */
  readonly score: number;
  /** How many of several conditions hold, of which one suffices; absent for a gate that has one. */
  readonly holding?: number;
}

/** An inference-time method: one row of the table in `methods.ts`. */
export interface SteeringMethod<T extends SteeringType = SteeringType> {
  readonly type: T;
  /** Its name in reports. */
  readonly title: string;
  /** @throws DiscernError `group-too-small`, `request-invalid` where nothing usable can be fitted, in words that say what to change. */
  fit(steering: SteeringOf<T>, context: FitContext): Promise<Fitted>;
  /** What is in force for prompts. One that changes nothing (a coefficient of 0) has no interventions at all. */
  steer(
    fitted: FittedSteering<T>,
    context: SteerContext,
    prompts: readonly SteeredPrompt[],
  ): Promise<Steered> | Steered;
}
