import { applyEdits, modify } from "jsonc-parser";
import type { DeviceChoice } from "../../protocol/device.ts";
import { choiceShort, type NamedPlace } from "../device/places.ts";

/** Where a recipe is computed, for its lens: "auto: cpu by onnx", "auto", "cuda by torch". */
export function placeTitle({ backend, device }: NamedPlace, known: DeviceChoice | null): string {
  if (device !== "auto")
    return known ? choiceShort(known) : backend === "auto" ? device : `${device} by ${backend}`;
  const asked = backend === "auto" ? "auto" : `auto by ${backend}`;
  return known ? `${asked}: ${choiceShort(known)}` : asked;
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
