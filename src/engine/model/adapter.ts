import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DiscernError } from "../../protocol/errors.ts";
import { writeAtomic } from "../../storage/atomic.ts";
import { makeFolders } from "../../storage/folders.ts";
import { type AdapterConfig, alphaOf, isTarget, parseAdapterConfig, rankOf } from "./adapterConfig.ts";
import { type Architecture, linearModules } from "./architecture.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { changedTensor, type Parameter, refuseNotFinite, type Weights } from "./weights.ts";

/** One adapted linear: y = Wx + scale · B(Ax). */
export interface LoraModule {
  /** (r, in) */
  readonly a: Parameter;
  /** (out, r) */
  readonly b: Parameter;
  readonly scale: number;
}

/** A LoRA adapter, by module name such as `model.layers.0.self_attn.q_proj`. */
export interface Adapter {
  readonly modules: Map<string, LoraModule>;
  readonly baseModel: string | null;
}

const configFile = "adapter_config.json";
const weightsFile = "adapter_model.safetensors";
const tensorName = /^base_model\.model\.(.+)\.lora_(A|B)\.weight$/;

/** An adapter whose change of the weights is so many times as large; −1 takes out what the same adapter has put in. */
export function scaledAdapter({ modules, baseModel }: Adapter, factor: number): Adapter {
  const scaled = [...modules].map(([name, lora]): [string, LoraModule] => [
    name,
    { ...lora, scale: factor * lora.scale },
  ]);
  return { modules: new Map(scaled), baseModel };
}

/**
 * Reads a PEFT LoRA folder (rank-stabilised LoRA and rank or alpha patterns included).
 *
 * @throws DiscernError `adapter-invalid` for other methods than LoRA, DoRA, trained biases, saved modules, or shapes
 *   that do not fit the architecture; `file-missing`; `weights-invalid` for a damaged safetensors file.
 */
export async function readAdapter(folder: string, architecture: Architecture): Promise<Adapter> {
  const names: string[] = await readdir(folder).catch(() => []);
  for (const name of [configFile, weightsFile]) {
    if (!names.includes(name)) {
      throw new DiscernError("file-missing", `${folder} is not a PEFT adapter: it has no ${name}.`);
    }
  }
  const config = await parseAdapterConfig(join(folder, configFile));
  const path = join(folder, weightsFile);
  const { tensors } = await readSafetensors(path);
  const shapes = moduleShapes(architecture);
  const halves = new Map<string, { a?: Parameter; b?: Parameter }>();
  for (const [name, parameter] of tensors) {
    const [, module, half] = tensorName.exec(name) ?? [];
    if (module === undefined || !shapes.has(module)) {
      throw invalid(path, `tensor "${name}" does not adapt a linear of this ${architecture.family} model`);
    }
    if (!isTarget(config, module)) {
      throw invalid(
        path,
        `tensor "${name}" adapts a module that ${configFile} does not adapt (target_modules, exclude_modules, ` +
          "layers_to_transform); PEFT would ignore it",
      );
    }
    refuseNotFinite(parameter.data, `${path}: tensor "${name}"`);
    halves.set(module, { ...halves.get(module), [half === "A" ? "a" : "b"]: parameter });
  }
  if (halves.size === 0) throw invalid(path, "it holds no LoRA tensors");
  const modules = new Map<string, LoraModule>();
  for (const [module, { a, b }] of halves) {
    if (!a || !b) throw invalid(path, `"${module}" lacks its ${a ? "lora_B" : "lora_A"} tensor`);
    checkShapes(path, module, { a, b }, rankOf(config, module), shapes.get(module)!);
    modules.set(module, { a, b, scale: scaleOf(config, module) });
  }
  return { modules, baseModel: config.base_model_name_or_path ?? null };
}

/**
 * Holds an adapter that no PEFT folder holds against a model.
 *
 * @param path where it lies, for messages.
 * @throws DiscernError `adapter-invalid` for a module that the model has not, or of another shape.
 */
export function requireFitting(path: string, { modules }: Adapter, architecture: Architecture): void {
  const shapes = moduleShapes(architecture);
  for (const [module, factors] of modules) {
    const shape = shapes.get(module);
    if (shape === undefined) {
      throw invalid(path, `"${module}" is not a linear of this ${architecture.family} model`);
    }
    checkShapes(path, module, factors, factors.a.shape[0]!, shape);
  }
}

/**
 * Writes an adapter as a PEFT folder that `PeftModel.from_pretrained` loads. Modules may differ in rank and scale:
 * the commonest are the folder's `r` and `lora_alpha`, the others its patterns.
 *
 * @param options.revision commit of a base model that is named as on the hub.
 */
export async function writeAdapter(
  folder: string,
  adapter: Adapter,
  options: { baseModel?: string | null; revision?: string; dropout?: number } = {},
): Promise<void> {
  const modules = [...adapter.modules].map(([name, lora]) => {
    const rank = lora.a.shape[0]!;
    return { name, rank, alpha: lora.scale * rank };
  });
  const r = commonest(modules.map(({ rank }) => rank));
  const alpha = commonest(modules.map((each) => each.alpha));
  const pattern = (key: "rank" | "alpha", usual: number) =>
    Object.fromEntries(modules.filter((each) => each[key] !== usual).map((each) => [each.name, each[key]]));
  const config = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: options.baseModel ?? adapter.baseModel,
    revision: options.revision ?? null,
    inference_mode: true,
    r,
    lora_alpha: alpha,
    rank_pattern: pattern("rank", r),
    alpha_pattern: pattern("alpha", alpha),
    lora_dropout: options.dropout ?? 0,
    // Full names: only the modules that were trained are adapted, whatever else shares their last part.
    target_modules: modules.map(({ name }) => name).sort(),
    bias: "none",
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
  };
  const tensors = [...adapter.modules].flatMap(([name, { a, b }]): [string, Parameter][] => [
    [`base_model.model.${name}.lora_A.weight`, a],
    [`base_model.model.${name}.lora_B.weight`, b],
  ]);
  await makeFolders(folder);
  await writeSafetensors(join(folder, weightsFile), tensors);
  await writeAtomic(join(folder, configFile), `${JSON.stringify(config, null, 2)}\n`);
}

/**
 * Adds scale · B·A to every adapted weight, in float32. The sums are computed when a weight is read.
 *
 * @throws DiscernError `adapter-invalid` when a weight is not there; nothing is changed then.
 */
export function mergeAdapter(weights: Weights, adapter: Adapter): void {
  for (const module of adapter.modules.keys()) {
    if (!weights.has(`${module}.weight`)) {
      throw new DiscernError(
        "adapter-invalid",
        `The adapter changes ${module}, which the model does not have.`,
      );
    }
  }
  for (const [module, lora] of adapter.modules) {
    const name = `${module}.weight`;
    weights.set(
      name,
      changedTensor(weights.get(name)!, (data) => addUpdate(data, lora)),
    );
  }
}

/** W ← W + scale · B·A, in place; W (out, in). */
export function addUpdate(data: Float32Array, { a, b, scale }: LoraModule): void {
  const [rank, inputs] = a.shape as [number, number];
  const outputs = b.shape[0]!;
  // Row by row, so that the row of W and every row of A are walked in memory order.
  for (let o = 0; o < outputs; o++) {
    for (let k = 0; k < rank; k++) {
      const factor = scale * b.data[o * rank + k]!;
      if (factor === 0) continue;
      for (let i = 0; i < inputs; i++) data[o * inputs + i]! += factor * a.data[k * inputs + i]!;
    }
  }
}

/**
 * One adapter that does what several do together: ranks are concatenated and scales folded into B, so
 * scale·B·A = Σ scaleₙ·Bₙ·Aₙ exactly. With it two LoRA stages in a row become one PEFT folder.
 */
export function concatAdapters(adapters: readonly Adapter[]): Adapter {
  const names = new Set(adapters.flatMap(({ modules }) => [...modules.keys()]));
  const modules = new Map<string, LoraModule>();
  for (const name of names) {
    const parts = adapters.flatMap(({ modules: each }) => each.get(name) ?? []);
    modules.set(name, parts.length === 1 ? parts[0]! : concatModules(parts));
  }
  return { modules, baseModel: adapters.find(({ baseModel }) => baseModel !== null)?.baseModel ?? null };
}

function concatModules(parts: readonly LoraModule[]): LoraModule {
  const inputs = parts[0]!.a.shape[1]!;
  const outputs = parts[0]!.b.shape[0]!;
  const rank = parts.reduce((sum, { a }) => sum + a.shape[0]!, 0);
  const a = new Float32Array(rank * inputs);
  const b = new Float32Array(outputs * rank);
  let first = 0;
  for (const part of parts) {
    const own = part.a.shape[0]!;
    a.set(part.a.data, first * inputs);
    for (let o = 0; o < outputs; o++) {
      for (let k = 0; k < own; k++) b[o * rank + first + k] = part.scale * part.b.data[o * own + k]!;
    }
    first += own;
  }
  return { a: { shape: [rank, inputs], data: a }, b: { shape: [outputs, rank], data: b }, scale: 1 };
}

/** [out, in] of every linear that can be adapted. */
function moduleShapes(architecture: Architecture): Map<string, [out: number, inputs: number]> {
  const shapes = new Map<string, [number, number]>();
  for (let layer = 0; layer < architecture.layers; layer++) {
    for (const { name, inFeatures, outFeatures } of linearModules(architecture)) {
      shapes.set(`model.layers.${layer}.${name}`, [outFeatures, inFeatures]);
    }
  }
  return shapes;
}

function checkShapes(
  path: string,
  module: string,
  { a, b }: { a: Parameter; b: Parameter },
  rank: number,
  [outputs, inputs]: [number, number],
): void {
  if (String(a.shape) !== String([rank, inputs]) || String(b.shape) !== String([outputs, rank])) {
    throw invalid(
      path,
      `"${module}": lora_A [${a.shape}] and lora_B [${b.shape}] must be [${rank},${inputs}] and [${outputs},${rank}]`,
    );
  }
}

function scaleOf(config: AdapterConfig, module: string): number {
  const rank = rankOf(config, module);
  return alphaOf(config, module) / (config.use_rslora ? Math.sqrt(rank) : rank);
}

function commonest(values: readonly number[]): number {
  const counts = Map.groupBy(values, (value) => value);
  return [...counts].sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? 1;
}

function invalid(path: string, what: string): DiscernError {
  return new DiscernError("adapter-invalid", `${path}: ${what}.`);
}
