import { basename } from "node:path";
import { snapshotOf } from "./hubCache.ts";
import { parseHubName } from "./hubName.ts";
import { suggestedModel } from "./suggestedModels.ts";

/**
 * What a path or a name of the hub calls a model, so that names from elsewhere can be compared: without its owner, letter case, and the
 * type that a GGUF file is stored in.
 *
 * @returns one or several names; none for what is no text.
 */
export function modelNames(text: unknown): string[] {
  if (typeof text !== "string" || text === "") return [];
  const id = snapshotOf(text)?.id ?? text;
  const name = basename(id.replaceAll("\\", "/")).replace(/\.gguf$/i, "");
  const plain = name.replace(/[.-](i?q\d\w*|f16|f32|bf16)$/i, "").toLowerCase();
  // A short name is one of Discern's, and no name of the hub, where an owner's model may be called the same.
  const hub = parseHubName(id)?.id.includes("/") ? undefined : suggestedModel(plain)?.hub;
  return [plain, ...(hub === undefined ? [] : [basename(hub).toLowerCase()])];
}
