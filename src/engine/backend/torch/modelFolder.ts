import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { modelsHome } from "../../../modelsHome/home.ts";
import { exportMerged } from "../../model/export.ts";
import type { LoadedModel } from "../../model/load.ts";

/**
 * The Hugging Face folder of a model, which is all that transformers loads: the model's own, or one that a GGUF file is written to once,
 * in the models home, under the hash of its file.
 *
 * @throws the file system's own error.
 */
export async function modelFolder(loaded: LoadedModel, check?: () => void): Promise<string> {
  if (loaded.format === "safetensors") return loaded.path;
  const files = await loaded.fingerprint(check);
  const key = createHash("sha256")
    .update(JSON.stringify(files.map(({ sha256 }) => sha256)))
    .digest("hex");
  const folder = join(modelsHome(), ".huggingface", key.slice(0, 32));
  // config.json is written last.
  if (existsSync(join(folder, "config.json"))) return folder;
  const aside = `${folder}.${process.pid}`;
  await rm(aside, { recursive: true, force: true });
  await exportMerged(aside, loaded, loaded.weights);
  // Another process may have been faster: its folder holds the same.
  await rename(aside, folder).catch(async (error) => {
    await rm(aside, { recursive: true, force: true });
    if (!existsSync(join(folder, "config.json"))) throw error;
  });
  return folder;
}
