import type { SteeringMethod } from "./method.ts";
import { fitRefusalDirection } from "./refusalDirection.ts";

/** The refusal direction, unnormalised, added at the input of its block (ActAdd, Arditi et al. 2024). */
export const refusalAddition: SteeringMethod<"refusal-addition"> = {
  type: "refusal-addition",
  title: "Refusal-direction addition",
  async fit(steering, context) {
    const { fitted, selected, direction } = await fitRefusalDirection(steering, context);
    const { layer, position } = selected.candidate;
    const norm = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
    return { ...fitted, chosen: { layer, position, coefficient: steering.coefficient, norm } };
  },
  steer({ steering, chosen, tensors }) {
    const { coefficient } = steering;
    if (coefficient === 0) return { interventions: [] };
    const vector = tensors.get("direction")!.data.map((x) => coefficient * x);
    const site = { at: "block-input", layers: [Number(chosen.layer)] } as const;
    return { interventions: [{ site, positions: "all", action: { type: "add", vector } }] };
  },
};
