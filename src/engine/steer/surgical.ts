import { differences, type Means, meanActivations } from "../probe/meanActivations.ts";
import { ablation } from "./ablation.ts";
import type { SteeringMethod } from "./method.ts";
import { candidatesOf, fittedOf, prepare, refusalDirections, selectionOf } from "./refusalDirection.ts";
import { select } from "./selection.ts";
import { dot, norm } from "./vectors.ts";

/**
 * Surgical (Wang et al. 2024): the difference of means between pseudo-harmful and harmless prompts, without its part along the refusal
 * direction, ablated. Training prompts alone are filtered, and nothing need be induced.
 */
export const surgical: SteeringMethod<"surgical"> = {
  type: "surgical",
  title: "Surgical",
  async fit(steering, context) {
    const prepared = await prepare<"pseudoHarmful">(steering, context, {
      harmful: { refused: true, validation: false },
      harmless: { refused: false, validation: false },
      pseudoHarmful: { refused: true, validation: false },
    });
    const { splits, positions } = prepared;
    const { harmless, refusal } = await refusalDirections(context, prepared);
    const pseudo = await meanActivations(context.backend, splits.pseudoHarmful.train, positions);
    const directions = orthogonalised(differences(pseudo, harmless), refusal, steering.lambda);
    const selected = await select(candidatesOf(directions, positions), {
      ...selectionOf(steering, context, prepared),
      refused: splits.pseudoHarmful.validation,
      mustInduce: false,
    });
    const { layer, position, direction } = selected.candidate;
    const { strength, lambda } = steering;
    return {
      ...fittedOf(prepared, selected, Float32Array.from(direction), context),
      chosen: { layer, position, lambda, strength },
    };
  },
  steer({ steering, tensors }, { backend }) {
    return {
      interventions: ablation(backend.shape.layers, tensors.get("direction")!.data, steering.strength),
    };
  },
};

/** w⊥ = w − λ(w·r)/(‖r‖² + 1e-8)·r at each position and layer, of length one. */
function orthogonalised(w: Means, r: Means, lambda: number): Means {
  return w.map((layers, p) => layers.map((vector, layer) => withoutPart(vector, r[p]![layer]!, lambda)));
}

function withoutPart(w: Float64Array, r: Float64Array, lambda: number): Float64Array {
  const share = (lambda * dot(w, r)) / (dot(r, r) + 1e-8);
  const rest = w.map((x, c) => x - share * r[c]!);
  const length = norm(rest) + 1e-8;
  return rest.map((x) => x / length);
}
