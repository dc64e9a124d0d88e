import type { DeviceChoice, DeviceName } from "../../protocol/device.ts";
import { DiscernError } from "../../protocol/errors.ts";
import { namedBackend, type Placement, placementFaults } from "../../recipe/placement.ts";
import type { Architecture } from "../model/architecture.ts";
import type { Weights } from "../model/weights.ts";
import type { Backend } from "./backend.ts";
import type { ClassifierOptions, TextClassifier } from "./classifier.ts";
import { commonRank } from "./deviceChoice/block.ts";
import { chooseDevice } from "./deviceChoice/choose.ts";
import { LiveModel } from "./onnx/decoder/liveModel.ts";
import { OnnxBackend } from "./onnx/onnxBackend.ts";
import { OnnxClassifier } from "./onnx/runtime/classifier.ts";
import { Device } from "./onnx/runtime/device.ts";

/** Where a model is to run; a backend that is left out is `auto`. */
export interface BackendOptions extends Partial<Omit<Placement, "device">> {
  readonly device: DeviceName | "auto";
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

/**
 * Opens a backend: the one place that knows which there are.
 *
 * @param load reads the model. Before its weights it awaits `startDevice`: a device fails in a moment, weights take their
 *   time.
 * @throws DiscernError("device-unavailable") that names what to install, and what `load` throws.
 */
export async function openBackend<M extends { architecture: Architecture; weights: Weights }>(
  options: BackendOptions,
  load: (startDevice: (architecture: Architecture) => Promise<void>) => Promise<M>,
): Promise<Opened<M>> {
  let chosen: { device: Device; deviceChoice: DeviceChoice | null } | undefined;
  const loaded = await load(async (architecture) => {
    chosen = await openDevice(options, architecture);
  });
  const { device, deviceChoice } = chosen ?? (await openDevice(options, loaded.architecture));
  const { memory = "auto" } = options;
  const mode = memory === "auto" ? "keep" : memory;
  const model = new LiveModel(device, loaded.architecture, loaded.weights, mode);
  return { backend: new OnnxBackend(model), loaded, deviceChoice };
}

/** Opens the device that was named, or measures which one `auto` stands for. */
async function openDevice(
  options: BackendOptions,
  architecture: Architecture,
): Promise<{ device: Device; deviceChoice: DeviceChoice | null }> {
  const { backend = "auto", device, memory = "auto", threads, rank = commonRank, onDevice } = options;
  const [fault] = placementFaults({ backend, device, memory });
  if (fault) throw new DiscernError("request-invalid", fault.message);
  const named = namedBackend({ backend, device });
  if (named === "torch" || device === "cuda") {
    throw new DiscernError("device-unavailable", "This version has no torch backend. Name the backend onnx.");
  }
  if (device !== "auto") return { device: await Device.open(device, { threads }), deviceChoice: null };
  const deviceChoice = await chooseDevice({ architecture, rank }, threads);
  if (deviceChoice.blockMilliseconds) onDevice?.(deviceChoice);
  return {
    device: await Device.open(deviceChoice.device === "webgpu" ? "webgpu" : "cpu", { threads }),
    deviceChoice,
  };
}

/** Opens a text classifier. @param file its ONNX file. @throws DiscernError `model-invalid`. */
export function openClassifier(file: string, options: ClassifierOptions): Promise<TextClassifier> {
  return OnnxClassifier.open(file, options);
}
