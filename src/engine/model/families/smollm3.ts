import { DiscernError } from "../../../protocol/errors.ts";
import type { HfConfig } from "../config.ts";
import type { Family } from "./family.ts";
import { llama } from "./llama.ts";

/** Every so many layers one knows no positions, where `no_rope_layer_interval` does not say otherwise. */
const noRopeInterval = 4;

/** Hugging Face's SmolLM3: a llama of which every fourth layer does not rotate queries and keys (NoPE). */
export const smollm3: Family = {
  ...llama,
  defaults: {
    ...llama.defaults,
    kvHeads: 4,
    contextLength: 32_768,
    tied: true,
    ropeTheta: 2_000_000,
  },
  reads: [
    ...llama.reads,
    "sliding_window",
    "use_sliding_window",
    "layer_types",
    "no_rope_layers",
    "no_rope_layer_interval",
  ],
  sliding: {
    switched: false,
    byDefault: (layer, config, window) =>
      Boolean(config.use_sliding_window) && window !== null && !rotates(config)[layer],
  },
  rotates,
  gguf: {
    modelClass: "SmolLM3ForCausalLM",
    reads: [],
    interleaved: true,
    // GGUF does not store which layers do not rotate; llama.cpp takes every fourth.
    config: (_h, { has }) => ({
      mlp_bias: has("blk.0.ffn_up.bias"),
      no_rope_layer_interval: noRopeInterval,
    }),
  },
};

/** `no_rope_layers` has 1 for a layer that rotates, despite its name. */
function rotates(config: HfConfig): boolean[] {
  const { num_hidden_layers: layers, no_rope_layers: given } = config;
  const interval = config.no_rope_layer_interval ?? noRopeInterval;
  if (given == null) return Array.from({ length: layers }, (_, layer) => (layer + 1) % interval !== 0);
  if (given.length < layers) {
    throw new DiscernError(
      "model-invalid",
      `config.json: no_rope_layers has ${given.length} entries for ${layers} layers.`,
    );
  }
  return given.slice(0, layers).map(Boolean);
}
