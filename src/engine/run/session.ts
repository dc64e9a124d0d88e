import { resolveModel } from "../../modelsHome/home.ts";
import type { ChatOptions } from "../../protocol/chat.ts";
import type { DeviceChoice } from "../../protocol/device.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { ModelShape } from "../../recipe/modelFit.ts";
import { LiveModel } from "../backend/onnx/decoder/liveModel.ts";
import { commonRank } from "../backend/onnx/deviceChoice/block.ts";
import { chooseDevice } from "../backend/onnx/deviceChoice/choose.ts";
import { Device } from "../backend/onnx/runtime/device.ts";
import { PromptEncoder } from "../chat/encoding.ts";
import { type PromptTemplate, promptTemplate } from "../chat/template.ts";
import type { Architecture } from "../model/architecture.ts";
import { type LoadedModel, loadModel } from "../model/load.ts";
import type { OnProgress } from "../model/weights.ts";
import type { ModelTokenizer } from "../tokenizer/tokenizer.ts";

/** A model ready to be asked: on its device, with its tokenizer and its prompt template. */
export interface Session {
  readonly loaded: LoadedModel;
  readonly live: LiveModel;
  readonly tokenizer: ModelTokenizer;
  readonly template: PromptTemplate;
  readonly encoder: PromptEncoder;
  /** Why this device, where `auto` was asked for. */
  readonly deviceChoice: DeviceChoice | null;
}

export type SessionOptions = Pick<Recipe, "model" | "device" | "threads" | "template"> & {
  /** How prompts are put to the chat template; no system prompt of one's own and no thinking where left out. */
  readonly chat?: ChatOptions;
  /** Rank of the adapters that will be trained, which `auto` measures with; null where the weights themselves are. */
  readonly rank?: number | null;
  /** Is told what `auto` chose, where that took a measurement. */
  readonly onDevice?: (choice: DeviceChoice) => void;
  /** Folder against which a relative model path is resolved. */
  readonly root: string;
  readonly onProgress?: OnProgress;
  /** Is told the model's shape before its weights are read, and may refuse it by an error. */
  readonly onShape?: (shape: ModelShape) => void;
  /** Is told what may make figures other than expected, each a sentence for people. */
  readonly onWarning?: (message: string) => void;
};

/**
 * Starts a device and reads a model onto it.
 *
 * @throws DiscernError `model-missing`, `model-invalid`, `tokenizer-missing`, `tokenizer-unsupported`, `weights-invalid`, `device-unavailable`, …
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const path = await resolveModel(options.model, [options.root]);
  let chosen: { device: Device; deviceChoice: DeviceChoice | null } | undefined;
  const loaded = await loadModel(path, {
    needsTokenizer: true,
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
    async beforeWeights(shape, architecture) {
      options.onShape?.(shape);
      // Before the weights: it fails in a moment, they take their time.
      chosen = await openDevice(options, architecture);
    },
  });
  const { device, deviceChoice } = chosen!;
  const { tokenizer, architecture } = loaded;
  const template = promptTemplate(tokenizer, options.template, options.chat);
  for (const message of [...loaded.warnings, ...template.warnings]) options.onWarning?.(message);
  return {
    loaded,
    live: new LiveModel(device, architecture, loaded.weights),
    deviceChoice,
    tokenizer,
    template,
    encoder: new PromptEncoder(tokenizer, template),
  };
}

/** Opens the device that was named, or measures which one `auto` stands for. */
async function openDevice(
  { device, threads, rank = commonRank, onDevice }: SessionOptions,
  architecture: Architecture,
): Promise<{ device: Device; deviceChoice: DeviceChoice | null }> {
  if (device !== "auto") return { device: await Device.open(device, { threads }), deviceChoice: null };
  const deviceChoice = await chooseDevice({ architecture, rank }, threads);
  if (deviceChoice.blockMilliseconds) onDevice?.(deviceChoice);
  return { device: await Device.open(deviceChoice.device, { threads }), deviceChoice };
}
