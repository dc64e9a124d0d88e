import { readFile } from "node:fs/promises";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";
import { isTooDeep } from "../../protocol/nesting.ts";
import { decodeText } from "../../storage/text.ts";

const pattern = z.record(z.string(), z.number().positive()).nullish();
const names = z.union([z.string(), z.array(z.string())]).nullish();

/** The part of PEFT's `adapter_config.json` (0.21) that decides what a LoRA computes; absent keys take PEFT's defaults. */
const schema = z.looseObject({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  r: z.int().positive().default(8),
  lora_alpha: z.number().default(8),
  use_rslora: z.boolean().nullish(),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  target_modules: names,
  exclude_modules: names,
  layers_to_transform: z.union([z.int(), z.array(z.int())]).nullish(),
  layers_pattern: names,
});

export type AdapterConfig = z.infer<typeof schema>;

type Neutral = (value: unknown) => boolean;

/** Absent, or a value that switches a thing off. */
const off: Neutral = (value) =>
  value == null ||
  value === false ||
  value === 0 ||
  (typeof value === "object" && Object.keys(value).length === 0);
const oneOf =
  (...values: unknown[]): Neutral =>
  (value) =>
    value == null || values.includes(value);

/** Settings of what is not computed here: what each is called, and the values that ask for nothing. */
const decisive: Readonly<Record<string, readonly [what: string, neutral: Neutral]>> = {
  use_dora: ["DoRA", off],
  use_qalora: ["QALoRA", off],
  use_bdlora: ["block-diagonal LoRA", off],
  bias: ["trained biases", oneOf("none")],
  lora_bias: ["biases in LoRA's B", off],
  modules_to_save: ["whole saved modules", off],
  trainable_token_indices: ["trained tokens", (value) => value == null],
  target_parameters: ["adapted parameters", off],
  layer_replication: ["replicated layers", (value) => value == null],
  alora_invocation_tokens: ["activated LoRA", (value) => value == null],
  // PEFT repeats these initialisations on loading, and takes what they put into A and B out of the base weights. The
  // others only fill A and B, which the file then replaces.
  init_lora_weights: [
    "an initialisation that also changes the base weights",
    oneOf(true, false, "gaussian", "eva", "orthogonal"),
  ],
  megatron_config: ["Megatron's layers", off],
  monteclora_config: ["Monte Carlo LoRA", off],
  arrow_config: ["Arrow routing", off],
  kasa_config: ["KaSA", off],
  task_type: ["another task than generating text", oneOf("CAUSAL_LM")],
};

/** Settings without effect on what a trained adapter computes. */
const inert: ReadonlySet<string> = new Set([
  // Where it comes from.
  ..."auto_mapping peft_version revision inference_mode".split(" "),
  // Training, or initialisation, which the file's values replace.
  ..."lora_dropout velora_config loftq_config eva_config corda_config lora_ga_config".split(" "),
  // Of methods that are switched on by another key.
  ..."qalora_group_size megatron_core ensure_weight_tying".split(" "),
  // PEFT ignores them, too; transposed weights it has for GPT-2's Conv1D alone, and none for the linear modules of these families.
  ..."runtime_config fan_in_fan_out".split(" "),
]);

/**
 * Reads `adapter_config.json` and judges every key of it: what is not read must be known to have no effect, or be
 * switched off.
 *
 * @throws DiscernError `adapter-invalid`, naming the setting that is not supported.
 */
export async function parseAdapterConfig(path: string): Promise<AdapterConfig> {
  let json: unknown;
  try {
    const text = decodeText(await readFile(path));
    if (isTooDeep(text)) throw new Error("its lists and objects are nested too deep");
    json = JSON.parse(text);
  } catch (cause) {
    throw new DiscernError("adapter-invalid", `${path} is not JSON: ${(cause as Error).message}.`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new DiscernError("adapter-invalid", `${path}: ${z.prettifyError(parsed.error)}`);
  const config = parsed.data;
  if (config.peft_type !== "LORA") {
    throw unsupported(path, `peft_type "${config.peft_type}" (only LORA)`);
  }
  for (const [key, value] of Object.entries(config)) {
    const [what, neutral] = (Object.hasOwn(decisive, key) && decisive[key]) || [
      "a setting that is not known here",
      off,
    ];
    if (inert.has(key) || Object.hasOwn(schema.shape, key) || neutral(value)) continue;
    throw unsupported(path, `${what} (${key}: ${JSON.stringify(value)})`);
  }
  return config;
}

function unsupported(path: string, what: string): DiscernError {
  return new DiscernError(
    "adapter-invalid",
    `${path}: the adapter uses ${what}, which is not supported. ` +
      "Merge it into its model with PEFT's merge_and_unload and use the merged model.",
  );
}

/** The rank of a module: the rank pattern that fits it, or `r`. */
export function rankOf(config: AdapterConfig, module: string): number {
  return fromPattern(config.rank_pattern, module) ?? config.r;
}

/** The alpha of a module: the alpha pattern that fits it, or `lora_alpha`. */
export function alphaOf(config: AdapterConfig, module: string): number {
  return fromPattern(config.alpha_pattern, module) ?? config.lora_alpha;
}

/**
 * Whether PEFT adapts a module (a linear of a block, by its full name), by `target_modules`, `exclude_modules`,
 * `layers_to_transform` and `layers_pattern`. Tensors of other modules are ignored there.
 */
export function isTarget(config: AdapterConfig, module: string): boolean {
  const { target_modules: targets, exclude_modules: excluded, layers_to_transform: layers } = config;
  const named = (list: readonly string[]) =>
    list.some((name) => module === name || module.endsWith(`.${name}`));
  if (excluded?.length) {
    if (
      typeof excluded === "string" ? regularExpression(`^(?:${excluded})$`).test(module) : named(excluded)
    ) {
      return false;
    }
  }
  // Without targets PEFT takes those it knows for the kind of model.
  if (targets == null) return true;
  if (typeof targets === "string") {
    if (targets.toLowerCase() === "all-linear") return true;
    return regularExpression(`^(?:${targets})$`).test(module);
  }
  if (targets.includes(module)) return true;
  if (!named(targets)) return false;
  const chosen = typeof layers === "number" ? [layers] : (layers ?? []);
  if (chosen.length === 0) return true;
  const patterns = config.layers_pattern?.length ? [config.layers_pattern].flat() : ["[^.]*"];
  const layer = patterns
    .map((each) => regularExpression(`^(?:.*?\\.)?${each}\\.(\\d+)\\.`).exec(module)?.[1])
    .find((found) => found !== undefined);
  return layer !== undefined && chosen.includes(Number(layer));
}

/** PEFT's rule: the first key that, as a regular expression, is the whole name or its end after a dot. */
function fromPattern(patterns: AdapterConfig["rank_pattern"], module: string): number | undefined {
  for (const [key, value] of Object.entries(patterns ?? {})) {
    if (regularExpression(`^(.*\\.)?(${key})$`, key).test(module)) return value;
  }
  return undefined;
}

function regularExpression(source: string, shown = source): RegExp {
  try {
    return new RegExp(source);
  } catch (cause) {
    throw new DiscernError(
      "adapter-invalid",
      `The adapter's pattern "${shown}" is not a regular expression.`,
      { cause },
    );
  }
}
