import { type BackendName, backendSchema } from "../../../protocol/backend.ts";
import { type DeviceChoice, deviceSchema } from "../../../protocol/device.ts";
import { DiscernError } from "../../../protocol/errors.ts";
import { namedBackend, type Placement, placementFaults } from "../../../recipe/placement.ts";
import { choosePython, type PythonPlaces } from "../../python/find.ts";

/** What a person set as default for everything that leaves both backend and device to `auto`. */
export type StandingPlace = Pick<Placement, "backend" | "device">;

const variables = "DISCERN_BACKEND and DISCERN_DEVICE (settings discern.backend and discern.device)";

/**
 * The default place that was set: `DISCERN_BACKEND` and `DISCERN_DEVICE`, which the workbench fills from its settings.
 *
 * @returns null where both are `auto` or left out. @throws DiscernError `request-invalid` for names that there are not, or that
 *   contradict each other.
 */
export function standingPlace(environment: NodeJS.ProcessEnv = process.env): StandingPlace | null {
  const { DISCERN_BACKEND: backendName, DISCERN_DEVICE: deviceName } = environment;
  const backend = backendSchema.safeParse(backendName || "auto");
  const device = deviceSchema.safeParse(deviceName || "auto");
  if (!backend.success || !device.success) {
    const [name, schema] = backend.success
      ? [`DISCERN_DEVICE is "${deviceName}"`, deviceSchema]
      : [`DISCERN_BACKEND is "${backendName}"`, backendSchema];
    throw new DiscernError("request-invalid", `${name}. Give one of ${schema.options.join(", ")}.`);
  }
  const place = { backend: backend.data, device: device.data };
  const [fault] = placementFaults({ ...place, memory: "auto" });
  if (fault) throw new DiscernError("request-invalid", `${variables}: ${fault.message}`);
  return place.backend === "auto" && place.device === "auto" ? null : place;
}

/**
 * A default place with a device as what `auto` stands for. Nothing is timed.
 *
 * @throws DiscernError `python-unusable` where PyTorch is named and no Python can run it there.
 */
export async function standingChoice(
  place: StandingPlace & { readonly device: DeviceChoice["device"] },
  places: PythonPlaces,
): Promise<DeviceChoice> {
  const { device } = place;
  const backend: BackendName = namedBackend(place) ?? "onnx";
  const reason = `it is the default that was set by ${variables}`;
  if (backend === "onnx") return { backend, device, reason };
  const { executable } = await choosePython(places, device === "cuda" ? "required" : "unused");
  return { backend, device, reason, python: executable };
}
