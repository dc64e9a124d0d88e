import { deviceNames, onnxDeviceNames } from "../../protocol/device.ts";
import { DiscernError } from "../../protocol/errors.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import { chosenPlacement, namedBackend, type Placement } from "../../recipe/placement.ts";

/**
 * Where a run is resumed: on the backend and device it was computed on, whatever its recipe's `auto` would choose now, since
 * figures of two of them agree to rounding only; or where its recipe names another one, as it is asked to.
 *
 * @throws DiscernError `device-unavailable` for a device of an older version.
 */
export function resumedPlacement(folder: string, asked: Placement, manifest: Manifest): Placement {
  const { device: name, backend } = manifest;
  const known = backend === undefined ? onnxDeviceNames : deviceNames;
  const device = known.find((each) => each === name);
  const before = backend?.name ?? "onnx";
  const moved =
    (asked.device !== "auto" && asked.device !== name) || (namedBackend(asked) ?? before) !== before;
  if (moved) return asked;
  if (device === undefined) {
    throw new DiscernError(
      "device-unavailable",
      `The run in ${folder} began on the device "${name}", which this version does not have. Resume it with the version ` +
        "that began it, name a device (--device cpu), or start a new run.",
    );
  }
  if (backend?.name !== "torch") return { ...asked, backend: before, device };
  const { dtype, compiled = false, python } = backend;
  return chosenPlacement(asked, {
    backend: before,
    device,
    dtype,
    compile: compiled,
    ...(python && { python: python.path }),
  });
}

/** What is thrown where a run cannot be resumed because what it was computed on does not start here. */
export function missingDevice(error: unknown, folder: string, { device, backend }: Manifest): unknown {
  if (!(error instanceof DiscernError) || error.code !== "device-unavailable") return error;
  const place = backend?.name === "torch" ? `${device} by torch` : device;
  return new DiscernError(
    error.code,
    `The run in ${folder} began on ${place} and keeps that device. ${error.message} Resume it on a machine where ` +
      `${place} starts, name another place (--backend, --device), or start a new run.`,
    { cause: error },
  );
}
