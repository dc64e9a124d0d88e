import { resolveModel } from "../../models_home/home.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { PromptEncoder } from "../model/encoding.ts";
import { LiveModel } from "../model/live_model.ts";
import { type LoadedModel, loadModel } from "../model/load.ts";
import { promptTemplate } from "../model/template.ts";
import type { ModelTokenizer } from "../model/tokenizer.ts";
import type { OnProgress } from "../model/weights.ts";
import { Device } from "../runtime/device.ts";

/** A model ready to be asked: on its device, with its tokenizer and its prompt template. */
export interface Session {
  readonly loaded: LoadedModel;
  readonly live: LiveModel;
  readonly tokenizer: ModelTokenizer;
  readonly encoder: PromptEncoder;
}

export type SessionOptions = Pick<Recipe, "model" | "device" | "threads" | "template"> & {
  /** Longest prompt with answer in tokens; the model's context where left out. */
  readonly maxTokens?: number;
  /** Folder against which a relative model path is resolved. */
  readonly root: string;
  readonly onProgress?: OnProgress;
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
  // The device first: it fails in a moment, the weights take their time.
  const device = await Device.open(options.device, { threads: options.threads });
  const loaded = await loadModel(path, {
    needsTokenizer: true,
    ...(options.onProgress ? { onProgress: options.onProgress } : {}),
  });
  for (const message of loaded.warnings) options.onWarning?.(message);
  const { tokenizer, architecture } = loaded;
  const template = promptTemplate(tokenizer, options.template);
  const limit = Math.min(options.maxTokens ?? Number.POSITIVE_INFINITY, architecture.contextLength);
  return {
    loaded,
    live: new LiveModel(device, architecture, loaded.weights),
    tokenizer,
    encoder: new PromptEncoder(tokenizer, template, limit),
  };
}
