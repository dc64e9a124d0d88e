import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAdapter } from "../src/engine/model/adapter.ts";
import { parameterShapes } from "../src/engine/model/architecture.ts";
import { architectureFromConfig } from "../src/engine/model/architectureFromConfig.ts";
import { writeSafetensors } from "../src/engine/model/safetensors.ts";
import type { RecipeInput } from "../src/protocol/recipe.ts";
import { stream, uniform } from "../src/statistics/random.ts";

const config = {
  architectures: ["LlamaForCausalLM"],
  model_type: "llama",
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 512,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
  vocab_size: 259,
  bos_token_id: 256,
  eos_token_id: 258,
  pad_token_id: 256,
};
/** Data of a recipe for such a model: a few prompts of the starter set for everything but the contrast. */
const panel = { split: "panel", limit: 4 };
export const tinyData = {
  panels: {
    toxic: { file: "starter:pairs.csv", labels: ["toxic"], ...panel },
    seeminglyToxic: { file: "starter:pairs.csv", labels: ["seemingly_toxic"], ...panel },
    general: { file: "starter:general.jsonl", ...panel },
  },
  general: [{ file: "starter:general.jsonl", split: "train", limit: 12 }],
  safety: [{ file: "starter:safety.jsonl", split: "train", limit: 8 }],
} satisfies RecipeInput["data"];

const special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const chatTemplate =
  "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/** A Hugging Face folder of a llama with three small layers, seeded random weights and a tokenizer of bytes. */
export async function writeTinyModel(folder: string, seed = 0): Promise<string> {
  await mkdir(folder, { recursive: true });
  const random = stream(seed, "tiny model");
  const weights = new Map(
    [...parameterShapes(architectureFromConfig(config))].map(([name, shape]) => {
      const count = shape.reduce((product, extent) => product * extent, 1);
      const data = shape.length === 1 ? new Float32Array(count).fill(1) : uniform(count, 0.2, random);
      return [name, { shape, data }];
    }),
  );
  await writeSafetensors(join(folder, "model.safetensors"), weights);
  await writeByteTokenizer(folder);
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

/** A PEFT folder with an adapter of one module of such a model. @param base the model that it says it was trained on. */
export async function writeTinyAdapter(folder: string, base: string): Promise<void> {
  const module = "model.layers.1.self_attn.q_proj";
  const [out, inputs] = parameterShapes(architectureFromConfig(config)).get(`${module}.weight`)! as [
    number,
    number,
  ];
  const [rank, random] = [2, stream(0, "tiny adapter")];
  const a = { shape: [rank, inputs], data: uniform(rank * inputs, 0.3, random) };
  const b = { shape: [out, rank], data: uniform(out * rank, 0.3, random) };
  await writeAdapter(folder, { modules: new Map([[module, { a, b, scale: 1 }]]), baseModel: base });
}

/** Writes the files of a tokenizer with a token a byte, ids 0 to 258, for any model with as many. */
export async function writeByteTokenizer(folder: string): Promise<void> {
  const json = (name: string, value: object) => writeFile(join(folder, name), JSON.stringify(value));
  await json("tokenizer.json", byteTokenizer.tokenizer);
  await json("tokenizer_config.json", { ...byteTokenizer.config, chat_template: chatTemplate });
}

/** Byte-level BPE without a single merge: a token a byte. */
function tokenizer(): Record<string, unknown> {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let others = 0;
  // The alphabet of GPT-2: bytes that do not print stand as characters from U+0100 on.
  const characters = Array.from({ length: 256 }, (_, byte) =>
    String.fromCodePoint(printable(byte) ? byte : 256 + others++),
  );
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((content, i) => ({
      id: 256 + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(characters.map((character, byte) => [character, byte])),
      merges: [],
    },
  };
}

/** The same tokenizer without a chat template. */
export const byteTokenizer = {
  tokenizer: tokenizer(),
  config: {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: special[0],
    eos_token: special[2],
    pad_token: special[0],
  },
};

/** How a refusal direction is fitted on the tiny model, which refuses nothing: all prompts are kept, and one place is given. */
export const tinyDirection = {
  train: 6,
  validation: 4,
  filter: false,
  refusalTokens: ["I"],
  maxKl: 100,
  layer: 1,
  position: -1,
};
