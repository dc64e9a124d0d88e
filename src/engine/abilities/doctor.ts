import { cpus, freemem, totalmem } from "node:os";
import { findModels, modelsHome, resolveModel } from "../../modelsHome/home.ts";
import { hubCacheHome } from "../../modelsHome/hubHome.ts";
import { cachedModels } from "../../modelsHome/listed.ts";
import { type DeviceChoice, type DeviceHealth, onnxDeviceNames } from "../../protocol/device.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { type Accelerator, isUsable, type PythonHealth, type UsablePython } from "../../protocol/python.ts";
import { noGpu } from "../backend/deviceChoice/adapter.ts";
import { commonRank, trialBatch } from "../backend/deviceChoice/block.ts";
import { chooseDevice, considerTorch, tooLargeForWebgpu } from "../backend/deviceChoice/choose.ts";
import { decide } from "../backend/deviceChoice/decide.ts";
import { processorFeatures } from "../backend/deviceChoice/processor.ts";
import { type StandingPlace, standingPlace } from "../backend/deviceChoice/standing.ts";
import { type TrialProgram, tryDevice } from "../backend/deviceChoice/tryDevice.ts";
import type { Architecture } from "../model/architecture.ts";
import { architectureFromConfig } from "../model/architectureFromConfig.ts";
import { openModel } from "../model/source.ts";
import { findPythons } from "../python/find.ts";
import { versions } from "../run/versions.ts";

/** What this machine offers. */
export interface Health {
  versions: Record<string, string>;
  platform: string;
  cores: number;
  processor: { model: string | null; features: string[] | null };
  memory: { total: number; free: number };
  devices: DeviceHealth[];
  /** Pythons, in the order in which they are tried; the torch backend takes the first that can compute. */
  pythons: PythonHealth[];
  /** GPUs that the Python of the torch backend reaches. */
  gpus: Accelerator[];
  /** Why this process reaches no GPU; null where it may reach one. */
  noGpu: string | null;
  /** The default place that was set, in whose favour nothing is measured; null where `auto` is. */
  standing: StandingPlace | null;
  /** What is measured as the fastest for a model of this name or of its size. */
  auto: AutoChoice;
  /** The same for models of common sizes. */
  choices: AutoChoice[];
  models: {
    home: string;
    found: string[];
    /** The Hugging Face cache, and its models as recipes name them. */
    cache: string;
    cached: { name: string; path: string; problem: string | null }[];
  };
}

/** What `auto` stands for, for a model of this name. */
type AutoChoice = DeviceChoice & { readonly model: string };

export interface DoctorOptions {
  /** The model whose decoder block is timed; one of SmolLM2-135M's size where left out. */
  readonly model?: string | undefined;
  /** Whether all blocks are timed anew; else times that are known are taken for the other sizes and for PyTorch. */
  readonly anew?: boolean | undefined;
  /** Folder whose environments are looked at. */
  readonly root?: string | undefined;
  /** Is told what is being done, since it may take a minute. */
  readonly onProgress?: ((what: string) => void) | undefined;
  /** The program that tries a device. */
  readonly trial?: TrialProgram;
  /** Finds Pythons. */
  readonly pythons?: () => Promise<PythonHealth[]>;
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

/** Decoders of the sizes that people work at: Qwen2.5-1.5B's and Llama 3 8B's. */
const common = new Map<string, Architecture>([
  [
    "a 1.5 B model",
    architectureFromConfig({
      model_type: "qwen2",
      hidden_size: 1536,
      intermediate_size: 8960,
      num_hidden_layers: 28,
      num_attention_heads: 12,
      num_key_value_heads: 2,
      max_position_embeddings: 32_768,
      rms_norm_eps: 1e-6,
      rope_theta: 1_000_000,
      tie_word_embeddings: true,
      vocab_size: 151_936,
    }),
  ],
  [
    "an 8 B model",
    architectureFromConfig({
      model_type: "llama",
      hidden_size: 4096,
      intermediate_size: 14_336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      max_position_embeddings: 8192,
      rms_norm_eps: 1e-5,
      rope_theta: 500_000,
      tie_word_embeddings: false,
      vocab_size: 128_256,
    }),
  ],
]);

/**
 * Starts every device and times a decoder block on it, asks every Python what it can do, says what `auto` would choose, and looks for
 * models. What does not start says what to install.
 *
 * @throws DiscernError `model-missing`, `model-invalid`, `architecture-unsupported` for `options.model`.
 */
export async function doctor(options: DoctorOptions = {}): Promise<Health> {
  const { model, trial, root, anew, onProgress } = options;
  const architecture: Architecture =
    model === undefined ? usual : (await openModel(await resolveModel(model, [process.cwd()]))).architecture;
  const named = model ?? "SmolLM2-135M";
  const block = { architecture, rank: commonRank };
  onProgress?.("Asking Pythons");
  const pythons = await (options.pythons ?? (() => findPythons({ root })))();
  const python = pythonOf(pythons);
  onProgress?.(`Timing a decoder block of ${named}`);
  // One after the other: each would slow the other down.
  const cpu = await tryDevice({ device: "cpu", block }, trial);
  const webgpu = await tryDevice({ device: "webgpu", block }, trial);
  const found = { cpu, webgpu };
  const asked = { trial, root, anew, python: async () => python ?? unusable() };
  const torch = await considerTorch(block, asked);
  const noWebgpu = noGpu() ?? tooLargeForWebgpu(architecture, torch.gpuBytes);
  const auto = decide({ ...found, noWebgpu, torch: torch.found, batch: trialBatch(architecture) });
  const choices: AutoChoice[] = [];
  for (const [name, each] of common) {
    const onMeasuring = () => onProgress?.(`Timing a decoder block of ${name}`);
    const choice = await chooseDevice(
      { architecture: each, rank: commonRank },
      { ...asked, standing: "ignored", onMeasuring },
    );
    choices.push({ model: name, ...choice });
  }
  const home = modelsHome();
  const models = await findModels(home).catch(() => []);
  return {
    versions: versions(),
    platform: `${process.platform}-${process.arch}`,
    cores: cpus().length,
    processor: { model: cpus()[0]?.model.trim() ?? null, features: processorFeatures() },
    memory: { total: totalmem(), free: freemem() },
    devices: onnxDeviceNames.map((name) => ({
      name,
      starts: found[name].problem === null,
      problem: found[name].problem,
      software: found[name].software,
      blockMilliseconds: found[name].milliseconds,
    })),
    pythons,
    gpus: python?.facts.accelerators ?? [],
    noGpu: noGpu(),
    standing: standingPlace(),
    auto: { model: named, ...auto },
    choices,
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

/** The Python that the torch backend takes: the one that is named, else the first that reaches a GPU, else the first that can compute. */
function pythonOf(pythons: readonly PythonHealth[]): UsablePython | undefined {
  const named = pythons.filter(({ origin }) => origin === "DISCERN_PYTHON");
  const usable = (named.length > 0 ? named : pythons).filter(isUsable);
  return usable.find(({ facts }) => facts.accelerators.length > 0) ?? usable[0];
}

function unusable(): never {
  throw new DiscernError("python-unusable", "No Python of this machine can run the torch backend.");
}
