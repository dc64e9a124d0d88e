import type { BackendName } from "../../protocol/backend.ts";
import { namedBackend } from "../../recipe/placement.ts";
import { milliseconds } from "../../wording/numbers.ts";
import { choiceShort, type Measurement, type NamedPlace } from "./places.ts";

/** A place as the engine takes it; nothing where it is `auto`, so that a variable of the system stays. */
export function placeVariables({ backend, device }: NamedPlace): Record<string, string> {
  return {
    ...(backend === "auto" ? {} : { DISCERN_BACKEND: backend }),
    ...(device === "auto" ? {} : { DISCERN_DEVICE: device }),
  };
}

/** What the row of the device says, and its tooltip: the default that was set, or what `auto` was measured to stand for. */
export function deviceRow(
  set: NamedPlace,
  measured: readonly Measurement[],
): { readonly description: string; readonly tooltip: string } {
  const others = "A recipe that names backend or device is not affected.";
  const why = measured.flatMap((one) => [`${one.model}: ${choiceShort(one)}`, one.reason, ""]);
  const text = [
    "What auto was measured to stand for",
    "",
    ...(why.length > 0 ? why : ["Not measured yet", ""]),
  ];
  const tooltip = [...text, others].join("\n");
  const backend: BackendName | null = namedBackend(set);
  if (backend !== null) {
    const { device } = set;
    const name = device === "auto" ? `the fastest of ${backend}` : choiceShort({ backend, device });
    return { description: `${name}, as set`, tooltip };
  }
  const [first] = measured;
  if (first === undefined) return { description: "auto: the fastest for each model", tooltip };
  const time = first.candidates?.find(
    ({ backend, device, compiled = false, milliseconds }) =>
      milliseconds !== null &&
      backend === first.backend &&
      device === first.device &&
      compiled === (first.compile ?? false),
  )?.milliseconds;
  const speed = time === undefined || time === null ? "" : `, ${milliseconds(time)} per block`;
  return { description: `auto: ${choiceShort(first)}${speed} (${first.model})`, tooltip };
}
