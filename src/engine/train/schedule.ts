import type { OptimiserRecipe } from "../../protocol/recipeStages.ts";

/** The learning rate of a 0-based step: linear warm-up, then constant or a half cosine down to 0 at `total`. */
export function learningRate(
  { learningRate: peak, warmup, schedule }: OptimiserRecipe,
  step: number,
  total: number,
): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  if (schedule === "constant") return peak;
  const progress = (step - warmup) / Math.max(1, total - warmup);
  return (peak * (1 + Math.cos(Math.PI * progress))) / 2;
}

/**
 * The factor that clips a gradient of this norm, as torch.nn.utils.clip_grad_norm_ computes it: min(1, c/(norm + 1e-6)).
 */
export function clipFactor(norm: number, clip: number | null): number {
  return clip === null ? 1 : Math.min(1, clip / (norm + 1e-6));
}
