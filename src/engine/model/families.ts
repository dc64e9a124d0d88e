import type { Family } from "./families/family.ts";
import { gemma } from "./families/gemma.ts";
import { gemma2 } from "./families/gemma2.ts";
import { granite } from "./families/granite.ts";
import { llama } from "./families/llama.ts";
import { mistral } from "./families/mistral.ts";
import { olmo2 } from "./families/olmo2.ts";
import { phi3 } from "./families/phi3.ts";
import { qwen2, qwen3 } from "./families/qwen.ts";
import { smollm3 } from "./families/smollm3.ts";

/**
 * The families that can be loaded, by the `model_type` of their `config.json`. Defaults are those of transformers'
 * configuration classes (5.24).
 */
export const families: Readonly<Record<string, Family>> = {
  llama,
  mistral,
  qwen2,
  qwen3,
  gemma,
  gemma2,
  phi3,
  olmo2,
  granite,
  smollm3,
};

/** The family of this name; null where it cannot be loaded. */
export function familyOf(name: unknown): Family | null {
  return typeof name === "string" && Object.hasOwn(families, name) ? families[name]! : null;
}
