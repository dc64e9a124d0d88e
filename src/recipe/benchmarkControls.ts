import type { BenchmarkInput } from "../protocol/benchmark.ts";
import type { SteeringType } from "../protocol/steering.ts";

type MethodInput = NonNullable<BenchmarkInput["methods"]>[number];
type ControlType = NonNullable<NonNullable<MethodInput["control"]>["type"]>;

/** Methods that take away what the activations hold along a direction. Along a random one they hold next to nothing. */
const ablating: ReadonlySet<SteeringType> = new Set(["surgical", "refusal-ablation"]);

/** The controls that an inference-time method needs: random vectors, and, where it ablates, also ones that change as much as it does. */
export function controlTypes(steering: SteeringType): readonly ControlType[] {
  return ablating.has(steering) ? ["random", "matched"] : ["random"];
}

/** A control of a method: ten draws. @param suites names of those that the draws answer; all where left out */
export function controlOf(method: string, type: ControlType, suites?: readonly string[]): MethodInput {
  return {
    ...{ name: `${method}, ${type}`, controlOf: method },
    control: { ...(type !== "random" && { type }), ...(suites && { suites: [...suites] }) },
  };
}
