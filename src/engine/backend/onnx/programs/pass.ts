import type { Decoder } from "../decoder/decoder.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Value } from "../runtime/value.ts";

/** One forward and backward pass: a graph by its key, and what to feed it. */
export interface Pass {
  /** Names the graph: two passes with the same key differ in feeds alone. */
  readonly key: string;
  readonly feeds: Record<string, Value>;
  /** Tokens the pass runs through, padding included. */
  readonly tokens: number;
  /** Writes the graph: a scalar loss, already divided by what the whole step is averaged over, and scalar metrics. */
  readonly build: (decoder: Decoder) => { loss: Tensor; metrics: Record<string, Tensor> };
}
