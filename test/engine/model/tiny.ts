import { readFileSync } from "node:fs";
import { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { Device } from "../../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../../src/engine/model/source.ts";
import { committedPath } from "../../golden/golden.ts";

/** The nine small golden models, one a kind of decoder. */
export const tinyModels = [
  "gemma2",
  "llama",
  "llama3_rope",
  "llama_untied_bias",
  "mistral",
  "olmo2",
  "phi3",
  "qwen2",
  "qwen3",
] as const;

/** Those of them that GGUF names by their own family. */
export const ggufFamilies = ["llama", "qwen2", "qwen3", "gemma2", "phi3", "olmo2"] as const;

export function tinyPath(name: string): string {
  return committedPath("tiny", name);
}

export function tinyConfig(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(`${tinyPath(name)}/config.json`, "utf8"));
}

/** A tiny model at work on the CPU, with weights of its own. */
export async function tinyModel(name: string): Promise<LiveModel> {
  const source = await openModel(tinyPath(name));
  return new LiveModel(
    await Device.open("cpu", { threads: 1 }),
    source.architecture,
    await source.readWeights(),
  );
}
