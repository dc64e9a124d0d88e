import type { BackendName } from "../protocol/backend.ts";
import { type DeviceChoice, type DeviceName, onnxDeviceNames } from "../protocol/device.ts";
import type { Recipe } from "../protocol/recipe.ts";

/** Where a model is to be computed, as a recipe, a command or a request says it. */
export type Placement = Pick<Recipe, "backend" | "device" | "memory" | "torch">;

/** The keys of a recipe that say where it is computed, and not what. */
const placementKeys = ["backend", "device", "memory", "torch"] as const;

/** What of a recipe says where it is computed. */
export function placementOf({ backend, device, memory, torch }: Placement): Placement {
  return { backend, device, memory, torch };
}

/** Whether a change, `key.path=value`, is one of where a recipe is computed. */
export function changesPlacement(change: string): boolean {
  const [key] = change.split(/[.=]/, 1);
  return placementKeys.some((each) => each === key);
}

/** The backend that a placement names, by its name or by a device that only one backend has; null where it is left to `auto`. */
export function namedBackend({ backend, device }: Pick<Placement, "backend" | "device">): BackendName | null {
  if (backend !== "auto") return backend;
  if (device === "auto") return null;
  return isOnnxDevice(device) ? "onnx" : "torch";
}

function isOnnxDevice(device: DeviceName): boolean {
  return onnxDeviceNames.some((name) => name === device);
}

/** A placement with what `auto` stands for in it. What the torch backend was measured with is taken where nothing else is named. */
export function chosenPlacement(
  placement: Placement,
  { backend, device, dtype, compile, python }: Omit<DeviceChoice, "reason">,
): Placement {
  const { torch } = placement;
  return {
    ...placement,
    backend,
    device,
    torch: {
      ...torch,
      dtype: torch.dtype === "auto" ? (dtype ?? "auto") : torch.dtype,
      compile: torch.compile || (compile ?? false),
      ...(torch.python === undefined && python !== undefined ? { python } : {}),
    },
  };
}

/** What contradicts itself in a placement, at its key, in whole sentences. */
export function placementFaults({ backend, device, memory }: Omit<Placement, "torch">): {
  path: PropertyKey[];
  message: string;
}[] {
  if (backend === "onnx" && device === "cuda") {
    return [
      {
        path: ["device"],
        message:
          'The onnx backend does not compute on cuda: in Node, onnxruntime uploads all weights to the GPU at every step. Name "webgpu", ' +
          'which uses NVIDIA GPUs too, or leave the backend to "torch" or "auto".',
      },
    ];
  }
  if (backend === "torch" && device === "webgpu") {
    return [
      {
        path: ["device"],
        message: 'PyTorch does not compute on webgpu. Name "cuda", "cpu" or "auto", or the backend "onnx".',
      },
    ];
  }
  if (memory === "stream" && namedBackend({ backend, device }) === "torch") {
    return [
      {
        path: ["memory"],
        message:
          'The torch backend does not stream weights from disk. Name "keep", "recompute" or "auto", or shard the model over several ' +
          'processes ("torch.shard"), or take the backend "onnx".',
      },
    ];
  }
  return [];
}
