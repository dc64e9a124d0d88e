/** A model that is known to work, and under which terms. */
export interface SuggestedModel {
  /** Its short name, which recipes may use. */
  readonly name: string;
  /** owner/name on the hub. */
  readonly hub: string;
  readonly parameters: number;
  /** Size of what is fetched from the hub, about. */
  readonly bytes: number;
  readonly licence: string;
  /** Whether its owner gives access on request alone. */
  readonly gated: boolean;
}

const row = (
  name: string,
  hub: string,
  millions: number,
  megabytes: number,
  licence: string,
  gated = false,
): SuggestedModel => ({ name, hub, parameters: millions * 1e6, bytes: megabytes * 1e6, licence, gated });

/** Models to begin with, smallest first: instruction-tuned ones that users of the field work with. Parameters count tied embeddings once. */
export const suggestedModels: readonly SuggestedModel[] = [
  row("smollm2-135m", "HuggingFaceTB/SmolLM2-135M-Instruct", 135, 271, "Apache-2.0"),
  row("smollm2-360m", "HuggingFaceTB/SmolLM2-360M-Instruct", 362, 727, "Apache-2.0"),
  row("qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B-Instruct", 494, 1000, "Apache-2.0"),
  row("qwen3-0.6b", "Qwen/Qwen3-0.6B", 596, 1519, "Apache-2.0"),
  row("llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct", 1236, 2488, "Llama 3.2 Community", true),
  row("qwen2.5-1.5b", "Qwen/Qwen2.5-1.5B-Instruct", 1544, 3099, "Apache-2.0"),
  row("smollm2-1.7b", "HuggingFaceTB/SmolLM2-1.7B-Instruct", 1711, 3427, "Apache-2.0"),
  row("qwen3-1.7b", "Qwen/Qwen3-1.7B", 1721, 4077, "Apache-2.0"),
  row("qwen3-4b", "Qwen/Qwen3-4B", 4022, 8061, "Apache-2.0"),
  row("qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct", 7616, 15_243, "Apache-2.0"),
  row("llama-3.1-8b", "meta-llama/Llama-3.1-8B-Instruct", 8030, 16_078, "Llama 3.1 Community", true),
  row("qwen3-8b", "Qwen/Qwen3-8B", 8191, 16_397, "Apache-2.0"),
];

/** The model of a short name. */
export function suggestedModel(name: string): SuggestedModel | undefined {
  return suggestedModels.find((one) => one.name === name);
}

/**
 * Whether a model can be trained with adapters on a machine, by a rule of thumb for the first choice of a model: its weights as stored,
 * two gigabytes for activations, adapters and the program, and a fifth of the memory for all else. What a recipe needs is worked out
 * before it runs.
 *
 * @param memory of the machine, in bytes.
 */
export function fitsMemory({ bytes }: Pick<SuggestedModel, "bytes">, memory: number): boolean {
  return bytes + 2e9 <= memory * 0.8;
}
