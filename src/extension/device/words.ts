import * as z from "zod";
import type { BackendName } from "../../protocol/backend.ts";
import { type DeviceName, deviceChoiceSchema } from "../../protocol/device.ts";
import { milliseconds } from "../../wording/numbers.ts";

/** What `auto` was measured to stand for, for a model of this name or size. */
export const measurementSchema = deviceChoiceSchema.extend({ model: z.string() });
export type Measurement = z.infer<typeof measurementSchema>;

/** Backend and device that a person set; `auto` leaves the choice to what is measured. */
export interface SetPlace {
  readonly backend: "auto" | BackendName;
  readonly device: "auto" | DeviceName;
}

/** A place as the engine takes it; nothing where it is `auto`, so that a variable of the system stays. */
export function placeVariables({ backend, device }: SetPlace): Record<string, string> {
  return {
    ...(backend === "auto" ? {} : { DISCERN_BACKEND: backend }),
    ...(device === "auto" ? {} : { DISCERN_DEVICE: device }),
  };
}

/** A place to choose, as a row of a list. */
export interface PlaceItem extends SetPlace {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

const offered = [
  { backend: "onnx", device: "cpu", what: "onnxruntime; the same results on every machine" },
  { backend: "onnx", device: "webgpu", what: "onnxruntime on a GPU of any maker" },
  { backend: "torch", device: "cuda", what: "PyTorch on a GPU by NVIDIA or AMD" },
  { backend: "torch", device: "cpu", what: "PyTorch, in bfloat16 where the processor has units for it" },
] as const;

/** The places to choose from, each with what was measured there; the one that is set is marked. */
export function placeItems(set: SetPlace, measured: readonly Measurement[]): PlaceItem[] {
  const mark = (place: SetPlace) => (isSet(set, place) ? " (current)" : "");
  const auto = { backend: "auto", device: "auto" } as const;
  return [
    {
      ...auto,
      label: "auto",
      description: `the fastest for each model${mark(auto)}`,
      detail: measured.map((one) => `${one.model}: ${placeName(one)}`).join(" · ") || notMeasured,
    },
    ...offered.map(({ what, ...place }) => ({
      ...place,
      label: placeName(place),
      description: `${what}${mark(place)}`,
      detail: timesOf(place, measured),
    })),
  ];
}

const notMeasured = "Not measured yet";

/** Whether a place is the one that was set: a device that only one backend has, and "cpu", mean that backend. */
function isSet(set: SetPlace, { backend, device }: SetPlace): boolean {
  const meant = set.backend !== "auto" || set.device === "auto" ? set.backend : backendOf(set.device);
  return meant === backend && set.device === device;
}

const backendOf = (device: DeviceName): BackendName => (device === "cuda" ? "torch" : "onnx");

function timesOf({ backend, device }: SetPlace, measured: readonly Measurement[]): string {
  if (measured.length === 0) return notMeasured;
  const times = measured.flatMap(({ model, candidates = [] }) => {
    const timed = candidates.filter((one) => one.backend === backend && one.device === device);
    const known = timed.flatMap(({ milliseconds: time }) => (time === null ? [] : [time]));
    return known.length === 0 ? [] : [`${model}: ${milliseconds(Math.min(...known))} per block`];
  });
  return times.join(" · ") || "Not timed; Check This Machine says why";
}

/** A place by its name: "cpu by onnx". */
export function placeName({ backend, device }: Pick<Measurement, "backend" | "device">): string {
  return `${device} by ${backend}`;
}

/** What the row of the device says, and its tooltip: the default that was set, or what `auto` was measured to stand for. */
export function deviceRow(
  set: SetPlace,
  measured: readonly Measurement[],
): { readonly description: string; readonly tooltip: string } {
  const others = "A recipe that names backend or device is not affected.";
  const why = measured.flatMap((one) => [`${one.model}: ${placeName(one)}`, one.reason, ""]);
  const text = ["What auto was measured to stand for", "", ...(why.length > 0 ? why : [notMeasured, ""])];
  const tooltip = [...text, others].join("\n");
  if (set.backend !== "auto" || set.device !== "auto") {
    const name =
      set.device === "auto"
        ? `the fastest of ${set.backend}`
        : placeName({
            backend: set.backend === "auto" ? backendOf(set.device) : set.backend,
            device: set.device,
          });
    return { description: `${name}, as set`, tooltip };
  }
  const [first] = measured;
  if (first === undefined) return { description: "auto: the fastest for each model", tooltip };
  const time = first.candidates?.find(
    ({ backend, device, milliseconds }) =>
      milliseconds !== null && backend === first.backend && device === first.device,
  )?.milliseconds;
  const speed = time === undefined || time === null ? "" : `, ${milliseconds(time)} per block`;
  return { description: `auto: ${placeName(first)}${speed} (${first.model})`, tooltip };
}
