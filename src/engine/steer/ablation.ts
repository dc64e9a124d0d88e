import type { Intervention } from "../backend/interventions.ts";
import { unit } from "./vectors.ts";

/**
 * Takes (a share of) a direction away from everything that is written to the residual stream, at all tokens.
 *
 * At strength 1 it acts where Arditi et al. do: at every block's input, attention output and MLP output. Behind the first block
 * input the others find nothing left of the direction but rounding. So another share, which must be taken away once, acts at the first
 * block input and at the sub-blocks' outputs alone.
 *
 * @param layers of the model.
 * @param strength 0 has no interventions.
 */
export function ablation(layers: number, direction: Float32Array, strength = 1): Intervention[] {
  if (strength === 0) return [];
  const all = [...Array(layers).keys()];
  const isWhole = strength === 1;
  const read = Float32Array.from(unit(direction));
  const action: Intervention["action"] = isWhole
    ? { type: "ablate", direction }
    : { type: "project", of: "self", read, write: read.map((x) => -strength * x) };
  return [
    { site: { at: "block-input", layers: isWhole ? all : [0] }, positions: "all", action },
    { site: { at: "attention-output", layers: all }, positions: "all", action },
    { site: { at: "mlp-output", layers: all }, positions: "all", action },
  ];
}
