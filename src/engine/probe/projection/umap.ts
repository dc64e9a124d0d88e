import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { UMAP } from "umap-js";
import { stream } from "../../../statistics/random.ts";
import type { Points } from "./separation.ts";

interface UmapOptions {
  readonly neighbours: number;
  readonly minimumDistance: number;
  readonly seed: number;
  /** Told the share of the work that is done, and may end it by throwing. */
  readonly onProgress: (share: number) => Promise<void> | void;
}

/**
 * UMAP of points (n, k) in two dimensions (McInnes, Healy and Melville 2018). Every random draw comes from the seed, so that the same
 * points have the same picture each time.
 *
 * @throws what `onProgress` throws.
 */
export async function umap(
  points: readonly (readonly number[])[],
  { neighbours, minimumDistance, seed, onProgress }: UmapOptions,
): Promise<Points> {
  const random = stream(seed, "projection", "umap");
  const layout = new UMAP({
    nNeighbors: Math.min(neighbours, points.length - 1),
    minDist: minimumDistance,
    random: () => uniformFloat64(random),
  });
  const epochs = layout.initializeFit(points.map((point) => [...point]));
  for (let epoch = 0; epoch < epochs; epoch++) {
    layout.step();
    if (epoch % 10 === 0) await onProgress(epoch / epochs);
  }
  const places = layout.getEmbedding();
  return { x: places.map(([x]) => x!), y: places.map(([, y]) => y!) };
}
