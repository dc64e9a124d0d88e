/** The sizes of a decoder that decide what it takes in memory, as its config.json gives them. */
export interface DecoderSizes {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabSize: number;
  readonly tiedEmbeddings: boolean;
  readonly contextLength: number;
}

/** A model that is known to work, and under which terms. */
export interface SuggestedModel {
  /** Its short name, which recipes may use. */
  readonly name: string;
  /** owner/name on the hub. */
  readonly hub: string;
  /** Numbers that it holds; tied embeddings count once. */
  readonly parameters: number;
  /** Size of what is fetched from the hub, about. */
  readonly bytes: number;
  readonly licence: string;
  /** Whether its owner gives access on request alone. */
  readonly gated: boolean;
  readonly sizes: DecoderSizes;
}

/** What models of one family have in common. */
type Family = Pick<SuggestedModel, "licence" | "gated"> &
  Pick<DecoderSizes, "vocabSize" | "contextLength" | "tiedEmbeddings">;

const open = { licence: "Apache-2.0", gated: false, tiedEmbeddings: true };
const smollm2: Family = { ...open, vocabSize: 49_152, contextLength: 8192 };
const qwen25: Family = { ...open, vocabSize: 151_936, contextLength: 32_768 };
const qwen3: Family = { ...qwen25, contextLength: 40_960 };
const llama3 = { gated: true, vocabSize: 128_256, contextLength: 131_072 };
const llama31: Family = { ...llama3, licence: "Llama 3.1 Community", tiedEmbeddings: false };
const llama32: Family = { ...llama3, licence: "Llama 3.2 Community", tiedEmbeddings: true };

/** Layers, hidden size, intermediate size, heads, heads of keys and values, size of a head. */
type Shape = readonly [
  ...[layers: number, hidden: number, intermediate: number],
  ...[heads: number, keyValueHeads: number, headSize: number],
];

const row = (
  name: string,
  hub: string,
  [parameters, megabytes]: readonly [number, number],
  [layers, hiddenSize, intermediateSize, heads, keyValueHeads, headSize]: Shape,
  { licence, gated, ...common }: Family,
): SuggestedModel => ({
  ...{ name, hub, parameters, bytes: megabytes * 1e6, licence, gated },
  sizes: { layers, hiddenSize, intermediateSize, heads, keyValueHeads, headSize, ...common },
});

/**
 * Models to begin with, smallest first: instruction-tuned ones that users of the field work with, all stored in bfloat16. Sizes are
 * those of each config.json; a test computes the parameters anew from them.
 */
export const suggestedModels: readonly SuggestedModel[] = [
  row(
    "smollm2-135m",
    "HuggingFaceTB/SmolLM2-135M-Instruct",
    [134_515_008, 271],
    [30, 576, 1536, 9, 3, 64],
    smollm2,
  ),
  row(
    "smollm2-360m",
    "HuggingFaceTB/SmolLM2-360M-Instruct",
    [361_821_120, 727],
    [32, 960, 2560, 15, 5, 64],
    smollm2,
  ),
  row("qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B-Instruct", [494_032_768, 1000], [24, 896, 4864, 14, 2, 64], qwen25),
  row("qwen3-0.6b", "Qwen/Qwen3-0.6B", [596_049_920, 1519], [28, 1024, 3072, 16, 8, 128], qwen3),
  row(
    "llama-3.2-1b",
    "meta-llama/Llama-3.2-1B-Instruct",
    [1_235_814_400, 2488],
    [16, 2048, 8192, 32, 8, 64],
    llama32,
  ),
  row(
    "qwen2.5-1.5b",
    "Qwen/Qwen2.5-1.5B-Instruct",
    [1_543_714_304, 3099],
    [28, 1536, 8960, 12, 2, 128],
    qwen25,
  ),
  row(
    "smollm2-1.7b",
    "HuggingFaceTB/SmolLM2-1.7B-Instruct",
    [1_711_376_384, 3427],
    [24, 2048, 8192, 32, 32, 64],
    smollm2,
  ),
  row("qwen3-1.7b", "Qwen/Qwen3-1.7B", [1_720_574_976, 4077], [28, 2048, 6144, 16, 8, 128], qwen3),
  row("qwen3-4b", "Qwen/Qwen3-4B", [4_022_468_096, 8061], [36, 2560, 9728, 32, 8, 128], qwen3),
  row("qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct", [7_615_616_512, 15_243], [28, 3584, 18_944, 28, 4, 128], {
    ...qwen25,
    vocabSize: 152_064,
    tiedEmbeddings: false,
  }),
  row(
    "llama-3.1-8b",
    "meta-llama/Llama-3.1-8B-Instruct",
    [8_030_261_248, 16_078],
    [32, 4096, 14_336, 32, 8, 128],
    llama31,
  ),
  row("qwen3-8b", "Qwen/Qwen3-8B", [8_190_735_360, 16_397], [36, 4096, 12_288, 32, 8, 128], {
    ...qwen3,
    tiedEmbeddings: false,
  }),
];

/** The model of a short name. */
export function suggestedModel(name: string): SuggestedModel | undefined {
  return suggestedModels.find((one) => one.name === name);
}
