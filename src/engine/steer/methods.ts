import type { Steering, SteeringType } from "../../protocol/steering.ts";
import { alphaSteer } from "./alphaSteer.ts";
import { cast } from "./cast.ts";
import type { SteeringMethod } from "./method.ts";
import { refusalAblation } from "./refusalAblation.ts";
import { refusalAddition } from "./refusalAddition.ts";
import { scans } from "./scans.ts";
import { surgical } from "./surgical.ts";

/** Every inference-time method, by its type. A new one is a file beside this one, a member of `steeringSchema` and a row here. */
export const steeringMethods: { readonly [T in SteeringType]: SteeringMethod<T> } = {
  "refusal-ablation": refusalAblation,
  "refusal-addition": refusalAddition,
  surgical,
  scans,
  cast,
  alphasteer: alphaSteer,
};

/** The method that a steering names. */
export function methodOf({ type }: Pick<Steering, "type">): SteeringMethod {
  // Each row takes steerings of its own type, and is reached by that type alone.
  return steeringMethods[type] as unknown as SteeringMethod;
}
