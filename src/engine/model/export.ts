import { join } from "node:path";
import { writeAtomic } from "../../storage/atomic.ts";
import { makeFolders } from "../../storage/folders.ts";
import type { LoadedModel } from "./load.ts";
import { type WrittenType, writeSafetensors } from "./safetensors.ts";
import type { Weights } from "./weights.ts";

/** Names of types in `config.json`. */
const dtypes: Readonly<Record<WrittenType, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/** The type in which a model is handed on: a half where its weights are stored so, else float32. */
export function exportType(weights: Weights): { readonly type: WrittenType; readonly dtype: string } {
  const stored = weights.get("model.embed_tokens.weight")?.type;
  const type = stored === "F16" || stored === "BF16" ? stored : "F32";
  return { type, dtype: dtypes[type] };
}

/**
 * Writes a model as a Hugging Face folder that transformers loads, also when it was read from a GGUF file:
 * config.json, generation_config.json, model.safetensors and, where there is one, the tokenizer with its chat template.
 *
 * @param weights the weights to write: the model's own, or trained or merged ones in their place. They are read and added up in
 *   float32, one at a time, and rounded once.
 * @throws the file system's own error.
 */
export async function exportMerged(
  folder: string,
  model: Pick<LoadedModel, "config" | "generationConfig" | "tokenizerFiles">,
  weights: Weights,
  type: WrittenType = "F32",
): Promise<void> {
  await makeFolders(folder);
  const json = (name: string, value: object) =>
    writeAtomic(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await writeSafetensors(join(folder, "model.safetensors"), weights, { format: "pt" }, type);
  const files = model.tokenizerFiles;
  if (files !== null) {
    const { addedTokens, chatTemplate, config, specialTokensMap, tokenizer } = files;
    // Not indented: a vocabulary would become megabytes of white space.
    await writeAtomic(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
    await json(
      "tokenizer_config.json",
      chatTemplate === null ? config : { ...config, chat_template: chatTemplate },
    );
    if (specialTokensMap !== null) await json("special_tokens_map.json", specialTokensMap);
    if (addedTokens !== null) await json("added_tokens.json", addedTokens);
  }
  await json("generation_config.json", generationConfig(model));
  // Of the two keys for the type, older versions of transformers read torch_dtype, newer ones dtype. The folder
  // becomes a model only with this file, now that all else is in place.
  const config = { ...model.config, dtype: dtypes[type], torch_dtype: dtypes[type] };
  await writeAtomic(join(folder, "config.json"), withDecimalPoints(`${JSON.stringify(config, null, 2)}\n`));
}

function generationConfig({
  config,
  generationConfig: own,
}: Pick<LoadedModel, "config" | "generationConfig">) {
  if (Object.keys(own).length > 0) return own;
  const keys = ["bos_token_id", "eos_token_id", "pad_token_id"];
  return Object.fromEntries(keys.filter((key) => config[key] != null).map((key) => [key, config[key]]));
}

/**
 * JavaScript writes 30.0 as 30, which transformers 5 refuses for the settings it declares as float: they get their
 * decimal point back.
 */
function withDecimalPoints(json: string): string {
  const floats = "initializer_range|rms_norm_eps|attn_logit_softcapping|final_logit_softcapping";
  return json.replace(new RegExp(`^( {2}"(?:${floats})": \\d+)(,?)$`, "gm"), "$1.0$2");
}
