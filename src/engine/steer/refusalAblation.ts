import { ablation } from "./ablation.ts";
import type { SteeringMethod } from "./method.ts";
import { fitRefusalDirection } from "./refusalDirection.ts";

/** The refusal direction, ablated from everything that is written to the residual stream (Arditi et al. 2024). */
export const refusalAblation: SteeringMethod<"refusal-ablation"> = {
  type: "refusal-ablation",
  title: "Refusal-direction ablation",
  async fit(steering, context) {
    const { fitted, selected } = await fitRefusalDirection(steering, context);
    const { layer, position } = selected.candidate;
    return { ...fitted, chosen: { layer, position, strength: steering.strength } };
  },
  steer({ steering, tensors }, { backend }) {
    return {
      interventions: ablation(backend.shape.layers, tensors.get("direction")!.data, steering.strength),
    };
  },
};
