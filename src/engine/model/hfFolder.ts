import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { isTooDeep } from "../../protocol/nesting.ts";
import { decodeText, NotText } from "../../storage/text.ts";
import type { TokenizerFiles } from "../tokenizer/tokenizerConfig.ts";
import { type Architecture, parameterShapes } from "./architecture.ts";
import { readSafetensorsHeader, refuseUnreadable, sameValues, storedTensor } from "./safetensors.ts";
import type { TensorEntry } from "./safetensorsHeader.ts";
import { elementCount, type StoredTensor, type Weights } from "./weights.ts";

const jsonObject = z.record(z.string(), z.unknown());

/**
 * Reads a JSON object of a model folder.
 *
 * @throws DiscernError `model-invalid` when the file is not a JSON object.
 */
export async function readJsonObject(path: string): Promise<Record<string, unknown>> {
  try {
    const text = decodeText(await readFile(path));
    if (isTooDeep(text)) throw new Error("its lists and objects are nested too deep");
    return jsonObject.parse(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? "it holds something else" : (cause as Error).message;
    throw new DiscernError("model-invalid", `${path} cannot be read as a JSON object: ${reason}.`, { cause });
  }
}

const templateSchema = z.union([
  z.string(),
  z.array(z.looseObject({ name: z.string(), template: z.string() })).min(1),
]);

/**
 * The tokenizer of a Hugging Face folder.
 *
 * @param names the folder's file names.
 * @throws DiscernError `tokenizer-missing` without `tokenizer.json`, `model-invalid` for a file that is not JSON.
 */
export async function readTokenizerFiles(folder: string, names: readonly string[]): Promise<TokenizerFiles> {
  if (!names.includes("tokenizer.json")) {
    const slow = names.includes("tokenizer.model") ? " Only a SentencePiece tokenizer.model is there." : "";
    throw new DiscernError(
      "tokenizer-missing",
      `${folder} has no tokenizer.json.${slow} ` +
        "Save the model's fast tokenizer there: AutoTokenizer.from_pretrained(…).save_pretrained(folder).",
    );
  }
  const optional = async (name: string) => (names.includes(name) ? readJsonObject(join(folder, name)) : null);
  const { chat_template, ...config } = (await optional("tokenizer_config.json")) ?? {};
  return {
    tokenizer: await readJsonObject(join(folder, "tokenizer.json")),
    config,
    specialTokensMap: await optional("special_tokens_map.json"),
    addedTokens: await optional("added_tokens.json"),
    chatTemplate: names.includes("chat_template.jinja")
      ? await readTemplate(join(folder, "chat_template.jinja"))
      : chooseTemplate((await optional("chat_template.json"))?.chat_template ?? chat_template),
  };
}

/** @throws DiscernError `model-invalid` for a template that is not UTF-8: every prompt would be asked with U+FFFD. */
async function readTemplate(path: string): Promise<string> {
  const bytes = await readFile(path);
  try {
    return decodeText(bytes);
  } catch (cause) {
    if (!(cause instanceof NotText)) throw cause;
    throw new DiscernError("model-invalid", `${path}:${cause.line}: ${cause.message}. Save it as UTF-8.`, {
      cause,
    });
  }
}

function chooseTemplate(value: unknown): string | null {
  const parsed = templateSchema.safeParse(value);
  if (!parsed.success) return null;
  if (typeof parsed.data === "string") return parsed.data;
  return (parsed.data.find(({ name }) => name === "default") ?? parsed.data[0])?.template ?? null;
}

/**
 * Checks by their headers that safetensors files hold an architecture: each tensor once, of the right shape and of a type
 * that can be read, and no others.
 *
 * @returns the architecture of the weights. It differs in one thing: where the configuration ties the head to the
 *   embedding and the files hold an `lm_head.weight` of its own, as a merge after tuning may leave it, that head is
 *   used (as in transformers 5), so that the two are not tied.
 * @throws DiscernError `weights-invalid` naming the first missing, unexpected or mis-shaped tensor.
 */
export async function checkHfTensors(
  files: readonly string[],
  described: Architecture,
): Promise<Architecture> {
  const found = new Map<string, { file: string; entry: TensorEntry }>();
  const expected = parameterShapes({ ...described, tiedEmbeddings: false });
  for (const file of files) {
    const { tensors } = await readSafetensorsHeader(file);
    for (const [name, entry] of tensors) {
      const wanted = expected.get(name);
      if (wanted === undefined) {
        if (derived.test(name)) continue;
        throw new DiscernError(
          "weights-invalid",
          `${file}: tensor "${name}" does not belong to the architecture in config.json.`,
        );
      }
      if (found.has(name))
        throw new DiscernError("weights-invalid", `${file}: tensor "${name}" occurs twice.`);
      if (String(entry.shape) !== String(wanted)) {
        throw new DiscernError(
          "weights-invalid",
          `${file}: tensor "${name}" has shape [${entry.shape}] (${elementCount(entry.shape)} values), ` +
            `but config.json says [${wanted}] (${elementCount(wanted)} values).`,
        );
      }
      refuseUnreadable(entry, name, file);
      found.set(name, { file, entry });
    }
  }
  const head = found.get("lm_head.weight");
  const embedding = found.get("model.embed_tokens.weight");
  const architecture =
    described.tiedEmbeddings && head && embedding && !(await sameValues(head, embedding))
      ? { ...described, tiedEmbeddings: false }
      : described;
  const needed = parameterShapes(architecture);
  const missing = [...needed.keys()].filter((name) => !found.has(name));
  if (missing.length > 0) {
    throw new DiscernError(
      "weights-invalid",
      `${files[0]}: ${missing.length} of ${needed.size} tensors are missing, such as "${missing[0]}".`,
    );
  }
  return architecture;
}

/** Old checkpoints carry RoPE's frequencies, which follow from the configuration. */
const derived = /rotary_emb\.inv_freq$/;

/**
 * Every parameter of an architecture as it is stored in safetensors files that were checked by {@link checkHfTensors}. Only
 * headers are read.
 */
export async function hfWeights(files: readonly string[], architecture: Architecture): Promise<Weights> {
  const found = new Map<string, StoredTensor>();
  const expected = [...parameterShapes(architecture).keys()];
  for (const file of files) {
    const { tensors } = await readSafetensorsHeader(file);
    for (const name of expected) {
      const entry = tensors.get(name);
      if (entry) found.set(name, storedTensor(file, name, entry));
    }
  }
  return new Map(expected.map((name) => [name, found.get(name)!]));
}
