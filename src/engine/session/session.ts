import { resolveModel } from "../../modelsHome/home.ts";
import type { MemoryPlanRecord } from "../../protocol/backend.ts";
import type { ChatOptions } from "../../protocol/chat.ts";
import type { DeviceChoice } from "../../protocol/device.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Work } from "../../protocol/work.ts";
import type { ModelShape } from "../../recipe/modelFit.ts";
import type { ModelSize } from "../../recipe/stageCost.ts";
import type { Backend } from "../backend/backend.ts";
import { openBackend } from "../backend/open.ts";
import { PromptEncoder } from "../chat/encoding.ts";
import { type PromptTemplate, promptTemplate } from "../chat/template.ts";
import type { Architecture } from "../model/architecture.ts";
import { type LoadedModel, loadModel, parameterCount } from "../model/load.ts";
import type { OnProgress } from "../model/weights.ts";
import type { ModelTokenizer } from "../tokenizer/tokenizer.ts";

/** A model ready to be asked: on its device, with its tokenizer and its prompt template. */
export interface Session extends AsyncDisposable {
  readonly loaded: LoadedModel;
  readonly backend: Backend;
  readonly tokenizer: ModelTokenizer;
  readonly template: PromptTemplate;
  readonly encoder: PromptEncoder;
  /** Why this device, where `auto` was asked for. */
  readonly deviceChoice: DeviceChoice | null;
  /** What of the model stays in memory. */
  readonly memoryPlan: MemoryPlanRecord;
}

export type SessionOptions = Pick<Recipe, "device" | "threads" | "template"> &
  Partial<Pick<Recipe, "backend" | "memory" | "torch">> & {
    /** Path or name of the model; what is merged into it comes later. */
    readonly model: string;
    /** How prompts are put to the chat template; no system prompt of one's own and no thinking where left out. */
    readonly chat?: ChatOptions;
    /** Rank of the adapters that will be trained, which `auto` measures with; null where the weights themselves are. */
    readonly rank?: number | null;
    /** What the model will be asked, where that may be little: then the time that a backend takes to start counts for `auto`. */
    readonly work?: Work | undefined;
    /** Is told before blocks are timed, which may take minutes the first time on a machine. */
    readonly onMeasuring?: (() => void) | undefined;
    /** Is told what `auto` chose, where that took a measurement. */
    readonly onDevice?: (choice: DeviceChoice) => void;
    /** Is told, in one sentence, what takes time before anything is computed. */
    readonly onStatus?: ((status: string) => void) | undefined;
    /** Folder against which a relative model path is resolved. */
    readonly root: string;
    readonly onProgress?: OnProgress;
    /** What will be done with the model, which its memory is planned by; where left out, prompts are answered. */
    readonly recipe?: Recipe;
    /** How an earlier part of the same run held the model: kept where it fits. */
    readonly memoryBefore?: MemoryPlanRecord["mode"] | undefined;
    /** Is told the model's shape before its weights are read, and may refuse it by an error. */
    readonly onShape?: (shape: ModelShape) => void;
    /** Is told the model's architecture before its weights are read; may refuse what goes with them by an error. */
    readonly onArchitecture?: (architecture: Architecture) => Promise<void>;
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
  const loaded = await loadModel(path, { needsTokenizer: true });
  options.onShape?.(loaded.shape);
  await options.onArchitecture?.(loaded.architecture);
  const { tokenizer } = loaded;
  const template = promptTemplate(tokenizer, options.template, options.chat);
  const encoder = new PromptEncoder(tokenizer, template);
  // Last: nothing can fail between this and whoever gives it back.
  const { backend, deviceChoice, memoryPlan } = await openBackend(options, loaded);
  for (const message of [...loaded.warnings, ...template.warnings]) options.onWarning?.(message);
  return {
    loaded,
    backend,
    deviceChoice,
    memoryPlan,
    tokenizer,
    template,
    encoder,
    [Symbol.asyncDispose]: () => releaseModel({ backend, loaded }),
  };
}

/** Backends that have been given back. */
const released = new WeakSet<Backend>();

/**
 * Frees a model with its device and processes, so that another one can take its memory. The session can be asked nothing any more.
 * Nothing happens where it was done before.
 */
export async function releaseModel({ backend, loaded }: Pick<Session, "backend" | "loaded">): Promise<void> {
  if (released.has(backend)) return;
  released.add(backend);
  await backend.dispose();
  loaded.weights.clear();
}

/** Does what belongs to the opening of a session, which is given back where it fails. @throws what `work` throws. */
export async function releasedOnError<T>(session: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await releaseModel(session);
    throw error;
  }
}

/** What decides how much a model computes. */
export function modelSize({ loaded: { architecture } }: Session): ModelSize {
  return { parameters: parameterCount(architecture), architecture };
}
