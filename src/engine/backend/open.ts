import { type MemoryPlanRecord, torchSchema } from "../../protocol/backend.ts";
import type { DeviceChoice, DeviceName, OnnxDeviceName } from "../../protocol/device.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { chosenPlacement, namedBackend, type Placement, placementFaults } from "../../recipe/placement.ts";
import type { Architecture } from "../model/architecture.ts";
import type { LoadedModel } from "../model/load.ts";
import type { OnProgress } from "../model/weights.ts";
import { choosePython } from "../python/find.ts";
import type { Backend } from "./backend.ts";
import type { ClassifierOptions, TextClassifier } from "./classifier.ts";
import { commonRank } from "./deviceChoice/block.ts";
import { chooseDevice } from "./deviceChoice/choose.ts";
import { heldMemory } from "./heldMemory.ts";
import { LiveModel } from "./onnx/decoder/liveModel.ts";
import { OnnxBackend } from "./onnx/onnxBackend.ts";
import { OnnxContrastTerms } from "./onnx/programs/featureTerms.ts";
import { OnnxClassifier } from "./onnx/runtime/classifier.ts";
import { Device } from "./onnx/runtime/device.ts";
import { modelFolder } from "./torch/modelFolder.ts";
import { TorchBackend } from "./torch/torchBackend.ts";
import { TorchModel } from "./torch/torchModel.ts";
import { WorkerClient } from "./torch/workerClient.ts";

/** Where a model is to run; a backend that is left out is `auto`. */
export interface BackendOptions extends Partial<Omit<Placement, "device">> {
  readonly device: DeviceName | "auto";
  /** Folder against which a Python that `torch.python` names is resolved. */
  readonly root?: string | undefined;
  /** Threads on the CPU; one per physical core where left out. */
  readonly threads?: number | undefined;
  /** Rank of the adapters that will be trained, which `auto` measures with; null where the weights themselves are. */
  readonly rank?: number | null;
  /** Is told what `auto` chose, where that took a measurement. */
  readonly onDevice?: (choice: DeviceChoice) => void;
  /** What will be done with the model, which its memory is planned by; where left out, prompts are answered. */
  readonly recipe?: Recipe | undefined;
  /** How an earlier part of the same run held the model: kept where it fits. */
  readonly memoryBefore?: MemoryPlanRecord["mode"] | undefined;
  /** Bytes of memory that may be used; what is available where left out. */
  readonly availableMemory?: number | undefined;
  /** Follows the reading of the weights, and ends it by what it throws. */
  readonly onProgress?: OnProgress;
}

/** A model on its backend, and why it is there where `auto` was asked for. */
export interface Opened {
  readonly backend: Backend;
  readonly deviceChoice: DeviceChoice | null;
  /** What stays in memory; null where the backend does not plan it. */
  readonly memoryPlan: MemoryPlanRecord | null;
}

/**
 * Opens a backend on a model: the one place that knows which there are.
 *
 * @throws DiscernError("device-unavailable") that names what to install, "python-unusable"; "weights-invalid".
 */
export async function openBackend(options: BackendOptions, loaded: LoadedModel): Promise<Opened> {
  const { backend = "auto", device, memory = "auto", torch = torchSchema.parse({}) } = options;
  const [fault] = placementFaults({ backend, device, memory });
  if (fault) throw new DiscernError("request-invalid", fault.message);
  const asked = { backend, device, memory, torch };
  const deviceChoice = await chosen(asked, options, loaded.architecture);
  const placement = deviceChoice === null ? asked : chosenPlacement(asked, deviceChoice);
  if (namedBackend(placement) === "torch") {
    const backend = await openTorch({ ...options, ...placement }, loaded);
    return { backend, deviceChoice, memoryPlan: null };
  }
  const name = placement.device === "webgpu" ? "webgpu" : "cpu";
  return { ...(await openOnnx(name, options, loaded)), deviceChoice };
}

/** What `auto` stands for in a placement; null where it names its device. */
async function chosen(
  { backend, device, torch }: Placement,
  { threads, root, rank = commonRank, onDevice }: BackendOptions,
  architecture: Architecture,
): Promise<DeviceChoice | null> {
  if (device !== "auto") return null;
  const among = backend === "auto" ? {} : { backend };
  const choice = await chooseDevice({ architecture, rank }, { ...among, torch, threads, root });
  onDevice?.(choice);
  return choice;
}

async function openOnnx(
  name: OnnxDeviceName,
  { memory = "auto", recipe, memoryBefore, availableMemory, threads, onProgress }: BackendOptions,
  loaded: LoadedModel,
): Promise<Omit<Opened, "deviceChoice">> {
  // A device fails in a moment, weights take their time.
  const device = await Device.open(name, { threads });
  let model: LiveModel | undefined;
  try {
    const work = { memory, recipe, before: memoryBefore, available: availableMemory };
    const { plan, record } = await heldMemory(loaded, name, work);
    model = new LiveModel(device, loaded.architecture, loaded.weights, plan);
    await model.readAll(onProgress);
    return { backend: new OnnxBackend(model), memoryPlan: record };
  } catch (error) {
    await model?.dispose();
    await device.dispose();
    throw error;
  }
}

async function openTorch(
  { device, memory, torch, threads, root }: BackendOptions & Placement,
  loaded: LoadedModel,
): Promise<Backend> {
  const gpu = device === "cuda" ? "required" : device === "cpu" ? "unused" : "preferred";
  const { executable, facts } = await choosePython({ named: torch.python, root }, gpu);
  const placed = device === "cpu" || facts.accelerators.length === 0 ? "cpu" : "cuda";
  const client = await WorkerClient.start({ python: executable });
  try {
    const folder = await modelFolder(loaded);
    const { architecture, weights } = loaded;
    const placing = {
      device: placed,
      dtype: torch.dtype,
      threads,
      recompute: memory === "recompute",
    } as const;
    const model = await TorchModel.load(client, { folder, architecture, weights, ...placing });
    return new TorchBackend(model, new OnnxContrastTerms());
  } catch (error) {
    await client.stop();
    throw error;
  }
}

/** Opens a text classifier. @param file its ONNX file. @throws DiscernError `model-invalid`. */
export function openClassifier(file: string, options: ClassifierOptions): Promise<TextClassifier> {
  return OnnxClassifier.open(file, options);
}
