/**
 * The room of models on disk. Whatever its form, a model becomes three things: an `Architecture`, which says as data how
 * its decoder differs from a plain one; weights under their Hugging Face names and in their layout, each as it is stored and read
 * when it is needed (`weights.ts`); and the files of its tokenizer. A Hugging Face folder says them outright. A GGUF file is first turned into the `config.json` and
 * `tokenizer.json` that it would have had (`gguf/`), so that there is one way from a configuration to an architecture
 * (`architectureFromConfig.ts`) and back to a folder (`export.ts`). What tells one family from another stands in one file
 * each (`families/`). A setting that is not computed is refused or named in a warning; none is ignored in silence.
 */
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { snapshotOf } from "../../modelsHome/hubCache.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { TokenizerFiles } from "../tokenizer/tokenizerConfig.ts";
import type { Architecture } from "./architecture.ts";
import { architectureFromConfig, configWarnings } from "./architectureFromConfig.ts";
import { decodingWarnings } from "./generationConfig.ts";
import { type GgufModel, ggufWeights, openGguf } from "./gguf/ggufModel.ts";
import { tokenizerFromGguf } from "./gguf/ggufTokenizer.ts";
import { checkHfTensors, hfWeights, readJsonObject, readTokenizerFiles } from "./hfFolder.ts";
import { readSafetensorsHeader, safetensorsFiles } from "./safetensors.ts";
import type { Weights } from "./weights.ts";

/** A model on disk, described but not read. */
export interface ModelSource {
  readonly name: string;
  readonly path: string;
  readonly format: "safetensors" | "gguf";
  readonly architecture: Architecture;
  /** Hugging Face's `config.json`; made up from the metadata for a GGUF file. */
  readonly config: Record<string, unknown>;
  /** Hugging Face's `generation_config.json`; empty where there is none. */
  readonly generationConfig: Record<string, unknown>;
  /** The tokenizer, or why there is none. */
  readonly tokenizer: TokenizerFiles | DiscernError;
  /** The files that hold the weights. */
  readonly weightFiles: readonly string[];
  /** The other files that decide what the model does. */
  readonly otherFiles: readonly string[];
  /** What of the model's settings is ignored, each a sentence for people. */
  readonly warnings: readonly string[];
  /** Tensors per storage type. */
  dtypes(): Promise<Map<string, number>>;
  /** Its weights as they are stored; none is read. */
  weights(): Promise<Weights>;
}

/**
 * Opens a model: a Hugging Face folder, a folder that holds exactly one GGUF file, or a GGUF file.
 *
 * @throws DiscernError `model-missing` when there is no model at `path`, and the errors of its format.
 */
export async function openModel(path: string): Promise<ModelSource> {
  const full = resolve(path);
  const kind = await stat(full).catch(() => null);
  if (kind === null) throw new DiscernError("model-missing", `${full} does not exist.`);
  if (!kind.isDirectory()) {
    if (full.endsWith(".gguf")) return openGgufSource(full, basename(full, ".gguf"));
    throw new DiscernError("model-missing", `${full} is neither a model folder nor a .gguf file.`);
  }
  const names = await readdir(full);
  if (names.includes("config.json")) return openFolder(full, names);
  const ggufs = names.filter((name) => name.endsWith(".gguf"));
  if (ggufs.length === 1)
    return openGgufSource(join(full, ggufs[0]!), snapshotOf(full)?.id ?? basename(full));
  throw new DiscernError(
    "model-missing",
    ggufs.length > 1
      ? `${full} holds ${ggufs.length} .gguf files; name one of them: ${ggufs.join(", ")}.`
      : `${full} is not a model: it holds neither a config.json nor a .gguf file.`,
  );
}

async function openFolder(folder: string, names: readonly string[]): Promise<ModelSource> {
  const config = await readJsonObject(join(folder, "config.json"));
  const described = architectureFromConfig(config);
  const files = await safetensorsFiles(folder, names);
  const architecture = await checkHfTensors(files, described);
  const untied = described.tiedEmbeddings && !architecture.tiedEmbeddings;
  const generation = "generation_config.json";
  const generationConfig = names.includes(generation) ? await readJsonObject(join(folder, generation)) : null;
  const settings = [
    "config.json",
    generation,
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
  ];
  return {
    name: snapshotOf(folder)?.id ?? basename(folder),
    path: folder,
    format: "safetensors",
    architecture,
    config: untied ? { ...config, tie_word_embeddings: false } : config,
    generationConfig: generationConfig ?? {},
    tokenizer: await readTokenizerFiles(folder, names).catch(onlyDiscernErrors),
    weightFiles: files,
    otherFiles: settings.filter((name) => names.includes(name)).map((name) => join(folder, name)),
    async dtypes() {
      const headers = await Promise.all(files.map((file) => readSafetensorsHeader(file)));
      return countBy(headers.flatMap(({ tensors }) => [...tensors.values()].map(({ dtype }) => dtype)));
    },
    warnings: [
      ...configWarnings(config, architecture),
      ...(untied ? [headOfItsOwn] : []),
      ...decodingWarnings(generationConfig ?? config, generationConfig ? generation : "config.json"),
      ...folderWarnings(names),
    ],
    weights: () => hfWeights(files, architecture),
  };
}

const headOfItsOwn =
  "config.json: tie_word_embeddings is true, but the weights hold an lm_head.weight that is not the embedding. " +
  "It is used, as in transformers 5.";

/** What lies beside a model and is not read, though it might be meant. */
function folderWarnings(names: readonly string[]): string[] {
  const warnings: string[] = [];
  if (names.includes("model.safetensors") && names.includes("model.safetensors.index.json")) {
    warnings.push(
      "model.safetensors is read; the files that model.safetensors.index.json names are ignored.",
    );
  }
  if (names.includes("adapter_config.json")) {
    warnings.push(
      "The folder also holds an adapter (adapter_config.json), which is not applied: name it with --adapter.",
    );
  }
  return warnings;
}

async function openGgufSource(path: string, name: string): Promise<ModelSource> {
  const model = await openGguf(path);
  return {
    name,
    path,
    format: "gguf",
    architecture: model.architecture,
    config: model.config,
    generationConfig: {},
    tokenizer: await ggufTokenizer(model, path).catch(onlyDiscernErrors),
    weightFiles: [path],
    otherFiles: [],
    warnings: model.warnings,
    dtypes: async () => countBy([...model.header.tensors.values()].map(({ format }) => format.name)),
    weights: async () => ggufWeights(model),
  };
}

async function ggufTokenizer({ header }: GgufModel, path: string): Promise<TokenizerFiles> {
  return tokenizerFromGguf(header, path);
}

/** A model without a usable tokenizer can still be inspected and computed with, so its error waits until it is used. */
function onlyDiscernErrors(error: unknown): DiscernError {
  if (error instanceof DiscernError) return error;
  throw error;
}

function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
