import { readFile } from "node:fs/promises";
import * as z from "zod";
import { DiscernError } from "../../protocol/errors.ts";

const pattern = z.record(z.string(), z.number().positive()).nullish();

/** The part of PEFT's `adapter_config.json` (0.21) that decides what a LoRA computes, and what is refused. */
const schema = z.looseObject({
  peft_type: z.string(),
  base_model_name_or_path: z.string().nullish(),
  r: z.int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  target_modules: z.union([z.string(), z.array(z.string())]).nullish(),
  bias: z.string().nullish(),
  use_dora: z.boolean().nullish(),
  use_qalora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  lora_bias: z.boolean().nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  trainable_token_indices: z.unknown().nullish(),
  target_parameters: z.array(z.string()).nullish(),
  layer_replication: z.unknown().nullish(),
  alora_invocation_tokens: z.unknown().nullish(),
});

export type AdapterConfig = z.infer<typeof schema>;

/**
 * Reads `adapter_config.json`. Which modules are adapted is told by the tensors beside it; `target_modules` (a list
 * of endings or a regular expression) is only checked for its form.
 *
 * @throws DiscernError `adapter-invalid`, naming the setting that is not supported.
 */
export async function parseAdapterConfig(path: string): Promise<AdapterConfig> {
  const text = await readFile(path, "utf8");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new DiscernError("adapter-invalid", `${path} is not JSON.`, { cause });
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new DiscernError("adapter-invalid", `${path}: ${z.prettifyError(parsed.error)}`);
  const config = parsed.data;
  const refused: [boolean, string][] = [
    [config.peft_type !== "LORA", `peft_type "${config.peft_type}" (only LORA)`],
    [config.use_dora === true, "DoRA (use_dora)"],
    [config.use_qalora === true, "QALoRA (use_qalora)"],
    [(config.bias ?? "none") !== "none", `trained biases (bias "${config.bias}")`],
    [config.lora_bias === true, "biases in LoRA's B (lora_bias)"],
    [
      (config.modules_to_save ?? []).length > 0,
      `whole saved modules (modules_to_save: ${config.modules_to_save})`,
    ],
    [config.fan_in_fan_out === true, "transposed weights (fan_in_fan_out)"],
    [config.trainable_token_indices != null, "trained tokens (trainable_token_indices)"],
    [(config.target_parameters ?? []).length > 0, "adapted parameters (target_parameters)"],
    [config.layer_replication != null, "replicated layers (layer_replication)"],
    [config.alora_invocation_tokens != null, "activated LoRA (alora_invocation_tokens)"],
  ];
  const found = refused.find(([present]) => present);
  if (found) {
    throw new DiscernError(
      "adapter-invalid",
      `${path}: the adapter uses ${found[1]}, which is not supported. ` +
        "Merge it into its model with PEFT's merge_and_unload and use the merged model.",
    );
  }
  return config;
}

/** The rank of a module: the rank pattern that fits it, or `r`. */
export function rankOf(config: AdapterConfig, module: string): number {
  return fromPattern(config.rank_pattern, module) ?? config.r;
}

/** The alpha of a module: the alpha pattern that fits it, or `lora_alpha`. */
export function alphaOf(config: AdapterConfig, module: string): number {
  return fromPattern(config.alpha_pattern, module) ?? config.lora_alpha;
}

/** PEFT's rule: the first key that, as a regular expression, is the whole name or its end after a dot. */
function fromPattern(patterns: AdapterConfig["rank_pattern"], module: string): number | undefined {
  for (const [key, value] of Object.entries(patterns ?? {})) {
    try {
      if (new RegExp(`^(.*\\.)?(${key})$`).test(module)) return value;
    } catch (cause) {
      throw new DiscernError(
        "adapter-invalid",
        `The adapter's pattern "${key}" is not a regular expression.`,
        {
          cause,
        },
      );
    }
  }
  return undefined;
}
