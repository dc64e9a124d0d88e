import * as z from "zod";
import { type DeviceChoice, deviceChoiceSchema } from "../../protocol/device.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { namedBackend } from "../../recipe/placement.ts";
import { milliseconds } from "../../wording/numbers.ts";

/** Where models are computed, as a recipe or the settings say it. */
export type NamedPlace = Pick<Recipe, "backend" | "device">;

/** What `auto` was measured to stand for, for a model of this name or size. */
export const measurementSchema = deviceChoiceSchema.extend({ model: z.string() });
export type Measurement = z.infer<typeof measurementSchema>;

/** What `auto` stands for, or what is named, in a few words: "cuda by torch (bfloat16)". */
export function choiceShort({ backend, device, dtype, compile }: Omit<DeviceChoice, "reason">): string {
  const type = dtype === undefined ? "" : ` (${dtype}${compile ? ", compiled" : ""})`;
  return `${device} by ${backend}${type}`;
}

/** One of the places that can be named. */
export interface PlaceItem extends NamedPlace {
  readonly label: string;
  readonly description: string;
  readonly detail?: string;
}

/**
 * The places that can be named, with what was measured of each.
 *
 * @param measured what `auto` stands for, with all that was considered: of one model, or of several that are named. Empty where
 *   that is not known.
 */
export function placeItems(now: NamedPlace, measured: readonly (DeviceChoice | Measurement)[]): PlaceItem[] {
  const all: (NamedPlace & { readonly words: string })[] = [
    { backend: "auto", device: "auto", words: "auto" },
    { backend: "onnx", device: "cpu", words: "cpu by onnx" },
    { backend: "onnx", device: "webgpu", words: "webgpu by onnx" },
    { backend: "torch", device: "cuda", words: "cuda by torch" },
    { backend: "torch", device: "cpu", words: "cpu by torch" },
  ];
  return all.map(({ words, ...place }) => {
    const isNow = place.device === now.device && place.backend === (namedBackend(now) ?? "auto");
    const [first = "", ...others] = measured.flatMap((one) => {
      const found = place.device === "auto" ? choiceShort(one) : measuredWords(place, one);
      return found === "" ? [] : [`${"model" in one ? `${one.model}: ` : ""}${found}`];
    });
    const reason = place.device === "auto" && measured.length === 1 ? measured.map((one) => one.reason) : [];
    const detail = [...others, ...reason].join(" · ");
    return {
      ...place,
      label: `${isNow ? "$(check) " : ""}${words}`,
      description: first,
      ...(detail === "" ? {} : { detail }),
    };
  });
}

/** What was measured at a place, or why it was not considered. */
function measuredWords({ backend, device }: NamedPlace, { candidates = [] }: DeviceChoice): string {
  const found = candidates.filter((one) => one.backend === backend && one.device === device);
  const words = found.flatMap(({ milliseconds: time, problem, dtype, compiled }) => {
    const type = backend === "torch" ? ` (${dtype}${compiled ? ", compiled" : ""})` : "";
    if (problem !== null) return [`not considered: ${problem}`];
    return time === null ? [] : [`one decoder block: ${milliseconds(time)}${type}`];
  });
  return words.join(", ");
}
