import { type Memory, torchSchema } from "../../protocol/backend.ts";
import type { DeviceChoice, DeviceName, OnnxDeviceName } from "../../protocol/device.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { namedBackend, type Placement, placementFaults } from "../../recipe/placement.ts";
import type { Architecture } from "../model/architecture.ts";
import type { LoadedModel } from "../model/load.ts";
import { choosePython } from "../python/find.ts";
import type { Backend } from "./backend.ts";
import type { ClassifierOptions, TextClassifier } from "./classifier.ts";
import { commonRank } from "./deviceChoice/block.ts";
import { chooseDevice } from "./deviceChoice/choose.ts";
import { LiveModel } from "./onnx/decoder/liveModel.ts";
import { OnnxBackend } from "./onnx/onnxBackend.ts";
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
}

/** A model on its backend, and why it is there where `auto` was asked for. */
export interface Opened<M> {
  readonly backend: Backend;
  readonly loaded: M;
  readonly deviceChoice: DeviceChoice | null;
}

/** What computes, started: it takes a model when its weights are there. */
interface Started {
  readonly deviceChoice: DeviceChoice | null;
  take(loaded: LoadedModel): Promise<Backend>;
  /** Ends it where no model comes. */
  stop(): Promise<void>;
}

/**
 * Opens a backend: the one place that knows which there are.
 *
 * @param load reads the model. Before its weights it awaits `startDevice`: a device fails in a moment, weights take their
 *   time.
 * @throws DiscernError("device-unavailable") that names what to install, "python-unusable", and what `load` throws.
 */
export async function openBackend<M extends LoadedModel>(
  options: BackendOptions,
  load: (startDevice: (architecture: Architecture) => Promise<void>) => Promise<M>,
): Promise<Opened<M>> {
  let started: Started | undefined;
  try {
    const loaded = await load(async (architecture) => {
      started = await start(options, architecture);
    });
    started ??= await start(options, loaded.architecture);
    return { backend: await started.take(loaded), loaded, deviceChoice: started.deviceChoice };
  } catch (error) {
    await started?.stop();
    throw error;
  }
}

/** Starts what was named, or measures what `auto` stands for. */
async function start(options: BackendOptions, architecture: Architecture): Promise<Started> {
  const { backend = "auto", device, memory = "auto", threads, rank = commonRank, onDevice } = options;
  const [fault] = placementFaults({ backend, device, memory });
  if (fault) throw new DiscernError("request-invalid", fault.message);
  if (namedBackend({ backend, device }) === "torch") return startTorch(options);
  const mode = memory === "auto" ? "keep" : memory;
  if (device === "cpu" || device === "webgpu") return startOnnx(device, threads, mode, null);
  const deviceChoice = await chooseDevice({ architecture, rank }, threads);
  if (deviceChoice.blockMilliseconds) onDevice?.(deviceChoice);
  return startOnnx(deviceChoice.device === "webgpu" ? "webgpu" : "cpu", threads, mode, deviceChoice);
}

async function startOnnx(
  name: OnnxDeviceName,
  threads: number | undefined,
  mode: Exclude<Memory, "auto">,
  deviceChoice: DeviceChoice | null,
): Promise<Started> {
  const device = await Device.open(name, { threads });
  return {
    deviceChoice,
    take: async ({ architecture, weights }) =>
      new OnnxBackend(new LiveModel(device, architecture, weights, mode)),
    stop: () => device.dispose(),
  };
}

async function startTorch({
  device,
  torch = torchSchema.parse({}),
  threads,
  root,
}: BackendOptions): Promise<Started> {
  const gpu = device === "cuda" ? "required" : device === "cpu" ? "unused" : "preferred";
  const { executable, facts } = await choosePython({ named: torch.python, root }, gpu);
  const placed = device === "cpu" || facts.accelerators.length === 0 ? "cpu" : "cuda";
  const client = await WorkerClient.start({ python: executable });
  return {
    deviceChoice: null,
    async take(loaded) {
      const folder = await modelFolder(loaded);
      const { architecture } = loaded;
      const { dtype } = torch;
      const model = await TorchModel.load(client, { folder, architecture, device: placed, dtype, threads });
      return new TorchBackend(model);
    },
    stop: () => client.stop(),
  };
}

/** Opens a text classifier. @param file its ONNX file. @throws DiscernError `model-invalid`. */
export function openClassifier(file: string, options: ClassifierOptions): Promise<TextClassifier> {
  return OnnxClassifier.open(file, options);
}
