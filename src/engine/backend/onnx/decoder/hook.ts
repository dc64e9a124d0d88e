import type { Site } from "../../interventions.ts";
import type { Tensor } from "../graph/tensor.ts";

/** One place of one layer: a `Site` with a single layer. */
export interface Place {
  readonly at: Site["at"];
  readonly layer: number;
  /** The linear module, for its input and output. */
  readonly module?: string;
}

/**
 * What looks at a decoder's activations while a graph is written, and may put others in their place. The decoder asks it
 * at every place; every token of the graph is there, (N, width).
 */
export interface Hook {
  /** The activation from here on: x itself where nothing is done. */
  at(place: Place, x: Tensor): Tensor;
  /** Whether anything is done or read in a block or at what it hands on. All tokens are then computed in it. */
  touches(layer: number): boolean;
  /** Is shown what a norm reads and gives, (…, D) each, D the length of its weight. */
  normed?(module: string, x: Tensor, y: Tensor): void;
}

/** Does nothing: graphs are node for node what they are without sites. */
export const noHook: Hook = { at: (_place, x) => x, touches: () => false };
