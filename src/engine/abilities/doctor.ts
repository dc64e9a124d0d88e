import { cpus, freemem, totalmem } from "node:os";
import { findModels, modelsHome, resolveModel } from "../../modelsHome/home.ts";
import { hubCacheHome } from "../../modelsHome/hubHome.ts";
import { cachedModels } from "../../modelsHome/listed.ts";
import { type DeviceChoice, type DeviceHealth, onnxDeviceNames } from "../../protocol/device.ts";
import { noGpu } from "../backend/deviceChoice/adapter.ts";
import { commonRank } from "../backend/deviceChoice/block.ts";
import { decide, type TrialProgram, tryDevice } from "../backend/deviceChoice/choose.ts";
import type { Architecture } from "../model/architecture.ts";
import { architectureFromConfig } from "../model/architectureFromConfig.ts";
import { openModel } from "../model/source.ts";
import { versions } from "../run/versions.ts";

/** What this machine offers. */
export interface Health {
  versions: Record<string, string>;
  platform: string;
  cores: number;
  memory: { total: number; free: number };
  devices: DeviceHealth[];
  /** What the device `auto` stands for, for a model of this name or of its size. */
  auto: DeviceChoice & { readonly model: string };
  models: {
    home: string;
    found: string[];
    /** The Hugging Face cache, and its models as recipes name them. */
    cache: string;
    cached: { name: string; path: string; problem: string | null }[];
  };
}

export interface DoctorOptions {
  /** The model whose decoder block is timed; one of SmolLM2-135M's size where left out. */
  readonly model?: string | undefined;
  /** The program that tries a device. */
  readonly trial?: TrialProgram;
}

/** SmolLM2-135M's decoder: the model of the demo, and the smallest that is worth training. */
const usual = architectureFromConfig({
  model_type: "llama",
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  rope_theta: 100_000,
  tie_word_embeddings: true,
  vocab_size: 49_152,
});

/**
 * Starts every device and times a decoder block on it, says what `auto` would choose, and looks for models. A device
 * that does not start says what to install.
 *
 * @throws DiscernError `model-missing`, `model-invalid`, `architecture-unsupported` for `options.model`.
 */
export async function doctor({ model, trial }: DoctorOptions = {}): Promise<Health> {
  const architecture: Architecture =
    model === undefined ? usual : (await openModel(await resolveModel(model, [process.cwd()]))).architecture;
  const block = { architecture, rank: commonRank };
  // One after the other: each would slow the other down.
  const cpu = await tryDevice({ device: "cpu", block }, trial);
  const webgpu = await tryDevice({ device: "webgpu", block }, trial);
  const found = { cpu, webgpu };
  const home = modelsHome();
  const models = await findModels(home).catch(() => []);
  return {
    versions: versions(),
    platform: `${process.platform}-${process.arch}`,
    cores: cpus().length,
    memory: { total: totalmem(), free: freemem() },
    devices: onnxDeviceNames.map((name) => ({
      name,
      starts: found[name].problem === null,
      problem: found[name].problem,
      software: found[name].software,
      blockMilliseconds: found[name].milliseconds,
    })),
    auto: { model: model ?? "SmolLM2-135M", ...decide(cpu, webgpu, noGpu()) },
    models: {
      home,
      found: models.map(({ path }) => path),
      cache: hubCacheHome(),
      cached: (await cachedModels())
        .filter(({ kind }) => kind === "model")
        .map(({ name, path, problem }) => ({ name, path, problem })),
    },
  };
}
