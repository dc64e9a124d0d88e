import { applyEdits, modify } from "jsonc-parser";
import type { DeviceChoice } from "../../protocol/device.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import { namedBackend } from "../../recipe/placement.ts";
import { milliseconds } from "../../wording/numbers.ts";

/** What a recipe says of where it is computed. */
export type NamedPlace = Pick<Recipe, "backend" | "device">;

/** What `auto` stands for, or what is named, in a few words: "cuda by torch (bfloat16)". */
export function choiceShort({ backend, device, dtype, compile }: DeviceChoice): string {
  const type = dtype === undefined ? "" : ` (${dtype}${compile ? ", compiled" : ""})`;
  return `${device} by ${backend}${type}`;
}

/** Where a recipe is computed, for its lens: "auto: cpu by onnx", "auto", "cuda by torch". */
export function placeTitle({ backend, device }: NamedPlace, known: DeviceChoice | null): string {
  if (device !== "auto")
    return known ? choiceShort(known) : backend === "auto" ? device : `${device} by ${backend}`;
  const asked = backend === "auto" ? "auto" : `auto by ${backend}`;
  return known ? `${asked}: ${choiceShort(known)}` : asked;
}

/** One of the places that a recipe can name. */
export interface PlaceItem extends NamedPlace {
  readonly label: string;
  readonly description: string;
  readonly detail?: string;
}

/**
 * The places that a recipe can name, with what was measured of each.
 *
 * @param auto what `auto` stands for, with all that was considered; null where that is not known.
 */
export function placeItems(now: NamedPlace, auto: DeviceChoice | null): PlaceItem[] {
  const all: (NamedPlace & { readonly words: string })[] = [
    { backend: "auto", device: "auto", words: "auto" },
    { backend: "onnx", device: "cpu", words: "cpu by onnx" },
    { backend: "onnx", device: "webgpu", words: "webgpu by onnx" },
    { backend: "torch", device: "cuda", words: "cuda by torch" },
    { backend: "torch", device: "cpu", words: "cpu by torch" },
  ];
  return all.map(({ words, ...place }) => {
    const isNow = place.device === now.device && place.backend === (namedBackend(now) ?? "auto");
    const measured = place.device === "auto" ? (auto ? [choiceShort(auto)] : []) : measuredWords(place, auto);
    return {
      ...place,
      label: `${isNow ? "$(check) " : ""}${words}`,
      description: measured.join(", "),
      ...(place.device === "auto" && auto ? { detail: auto.reason } : {}),
    };
  });
}

/** What was measured at a place, or why it was not considered. */
function measuredWords({ backend, device }: NamedPlace, auto: DeviceChoice | null): string[] {
  const found = (auto?.candidates ?? []).filter((one) => one.backend === backend && one.device === device);
  return found.flatMap(({ milliseconds: time, problem, dtype, compiled }) => {
    const type = backend === "torch" ? ` (${dtype}${compiled ? ", compiled" : ""})` : "";
    if (problem !== null) return [`not considered: ${problem}`];
    return time === null ? [] : [`one decoder block: ${milliseconds(time)}${type}`];
  });
}

/** A recipe's text that names another place; keys that say no more than the default are left out. */
export function withPlace(text: string, { backend, device }: NamedPlace): string {
  const formattingOptions = { insertSpaces: true, tabSize: 2 };
  let changed = text;
  for (const [key, value] of Object.entries({ backend, device })) {
    const edits = modify(changed, [key], value === "auto" ? undefined : value, { formattingOptions });
    changed = applyEdits(changed, edits);
  }
  return changed;
}
