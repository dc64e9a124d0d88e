import { stat } from "node:fs/promises";
import { DiscernError } from "../../protocol/errors.ts";
import type { ModelShape } from "../../recipe/modelFit.ts";
import { fileHash } from "../../storage/hash.ts";
import { ModelTokenizer } from "../tokenizer/tokenizer.ts";
import type { TokenizerFiles } from "../tokenizer/tokenizerConfig.ts";
import { type Architecture, type LinearModule, linearModules, parameterShapes } from "./architecture.ts";
import { type ModelSource, openModel } from "./source.ts";
import { elementCount, type StoredTensor, type Weights } from "./weights.ts";

/** A file a model was read from. */
export interface SourceFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A model, with all but its weights in memory. */
export interface LoadedModel {
  readonly name: string;
  readonly path: string;
  readonly format: ModelSource["format"];
  readonly architecture: Architecture;
  readonly shape: ModelShape;
  /** As they are stored, read when they are needed. */
  readonly weights: Weights;
  /** @throws DiscernError `tokenizer-missing` when the model has none, `tokenizer-unsupported` when it cannot be followed. */
  readonly tokenizer: ModelTokenizer;
  readonly hasTokenizer: boolean;
  /** What the tokenizer was built from; null where there is none. */
  readonly tokenizerFiles: TokenizerFiles | null;
  /** A Hugging Face `config.json`, also for a GGUF file. */
  readonly config: Record<string, unknown>;
  readonly generationConfig: Record<string, unknown>;
  /** What of the model's settings is ignored, each a sentence for people. */
  readonly warnings: readonly string[];
  /** Size and SHA-256 of every file the model was read from, computed at the first call. */
  fingerprint(check?: () => void): Promise<readonly SourceFile[]>;
}

/** What is known of a model without reading its weights. */
export interface ModelSummary {
  readonly name: string;
  readonly path: string;
  readonly format: ModelSource["format"];
  readonly architecture: Architecture;
  /** The linear modules of one block. */
  readonly linears: readonly LinearModule[];
  readonly parameters: number;
  /** Tensors per storage type, such as `{ Q4_1: 210, F32: 61 }`. */
  readonly dtypes: Record<string, number>;
  readonly bytes: number;
  /** Bytes of the tensors as stored; left out where the files lack some of them. */
  readonly stored?: StoredBytes;
  readonly tokenizer: { vocabSize: number; bos: string; eos: string[]; template: "chat" | "alpaca" } | null;
  /** Why there is no tokenizer. */
  readonly tokenizerProblem: string | null;
  /** What of the model's settings is ignored, each a sentence for people. */
  readonly warnings: readonly string[];
}

/**
 * Reads a model but for its weights: a Hugging Face folder, a folder that holds exactly one GGUF file, or a GGUF file.
 *
 * @param options.needsTokenizer whether a model without a usable tokenizer is refused.
 * @throws DiscernError `model-missing`, `model-invalid`, `architecture-unsupported`, `file-missing`, `weights-invalid`;
 *   with `needsTokenizer` `tokenizer-missing`, `tokenizer-unsupported`.
 */
export async function loadModel(
  path: string,
  options: { needsTokenizer?: boolean } = {},
): Promise<LoadedModel> {
  const source = await openModel(path);
  const tokenizer = tokenizerOf(source);
  if (options.needsTokenizer && tokenizer instanceof DiscernError) throw tokenizer;
  const weights = await source.weights();
  let files: Promise<SourceFile[]> | undefined;
  return {
    name: source.name,
    path: source.path,
    format: source.format,
    architecture: source.architecture,
    shape: shapeOf(source),
    weights,
    get tokenizer() {
      if (tokenizer instanceof DiscernError) throw tokenizer;
      return tokenizer;
    },
    hasTokenizer: !(tokenizer instanceof DiscernError),
    tokenizerFiles: source.tokenizer instanceof DiscernError ? null : source.tokenizer,
    config: source.config,
    generationConfig: source.generationConfig,
    warnings: source.warnings,
    fingerprint(check) {
      files ??= fingerprintOf(source, check);
      return files;
    },
  };
}

function shapeOf({ name, architecture }: ModelSource): ModelShape {
  const { layers, contextLength } = architecture;
  return { name, layers, contextLength, linears: linearModules(architecture) };
}

/** Size and SHA-256 of every file that a model is read from, without reading it. @throws as {@link loadModel}. */
export async function modelFingerprint(path: string): Promise<readonly SourceFile[]> {
  return fingerprintOf(await openModel(path));
}

function fingerprintOf({ weightFiles, otherFiles }: ModelSource, check?: () => void): Promise<SourceFile[]> {
  return Promise.all([...weightFiles, ...otherFiles].map((file) => hashFile(file, check)));
}

/** Describes a model from its headers alone. @throws as {@link loadModel}. */
export async function inspectModel(path: string): Promise<ModelSummary> {
  const source = await openModel(path);
  const tokenizer = tokenizerOf(source);
  const sizes = await Promise.all(source.weightFiles.map(async (file) => (await stat(file)).size));
  const usable = tokenizer instanceof DiscernError ? null : tokenizer;
  return {
    name: source.name,
    path: source.path,
    format: source.format,
    architecture: source.architecture,
    linears: linearModules(source.architecture),
    parameters: parameterCount(source.architecture),
    dtypes: Object.fromEntries(await source.dtypes()),
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    ...(await source.weights().then(
      (weights) => ({ stored: storedBytes(weights) }),
      () => ({}),
    )),
    tokenizer: usable && {
      vocabSize: usable.vocabSize,
      bos: usable.bosText,
      eos: usable.eosIds.map((id) => usable.token(id) ?? String(id)),
      template: usable.chatTemplate === null ? "alpaca" : "chat",
    },
    tokenizerProblem: tokenizer instanceof DiscernError ? tokenizer.message : null,
    warnings: source.warnings,
  };
}

/** Bytes of a model's tensors, of the blocks and of what lies outside them. */
export interface StoredBytes {
  readonly blocks: number;
  readonly outside: number;
}

/** What weights take as they are stored. */
export function storedBytes(weights: Weights): StoredBytes {
  return bytesOf(weights, ({ bytes }) => bytes);
}

/** What weights take by a measure of each of them. */
export function bytesOf(weights: Weights, measure: (tensor: StoredTensor) => number): StoredBytes {
  let [blocks, outside] = [0, 0];
  for (const [name, tensor] of weights) {
    if (name.startsWith("model.layers.")) blocks += measure(tensor);
    else outside += measure(tensor);
  }
  return { blocks, outside };
}

/** How many trainable numbers an architecture has. */
export function parameterCount(architecture: Architecture): number {
  return [...parameterShapes(architecture).values()].reduce((sum, shape) => sum + elementCount(shape), 0);
}

function tokenizerOf(source: ModelSource): ModelTokenizer | DiscernError {
  if (source.tokenizer instanceof DiscernError) return source.tokenizer;
  try {
    return new ModelTokenizer(source.tokenizer, source.config, source.generationConfig);
  } catch (error) {
    if (error instanceof DiscernError) return error;
    throw error;
  }
}

async function hashFile(file: string, check?: () => void): Promise<SourceFile> {
  return { file, bytes: (await stat(file)).size, sha256: await fileHash(file, { check }) };
}
