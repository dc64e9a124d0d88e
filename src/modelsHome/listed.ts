import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { findModels, modelsHome } from "./home.ts";
import { hubSnapshots } from "./hubCache.ts";
import { hubCacheHome } from "./hubHome.ts";

/** A model or adapter on this machine, as lists show it. */
export interface ListedModel {
  /** As a recipe names it. */
  readonly name: string;
  readonly path: string;
  readonly kind: "model" | "adapter";
  /** Where it lies. */
  readonly place: "models home" | "Hugging Face cache";
  readonly bytes: number;
  /** Why it cannot be used, such as a download that is incomplete, as a clause; null where nothing is known against it. */
  readonly problem: string | null;
}

/** The models and adapters that recipes can name from anywhere: those of the models home and of the Hugging Face cache. */
export async function listedModels(): Promise<ListedModel[]> {
  return [...(await ownModels(modelsHome())), ...(await cachedModels())];
}

async function ownModels(home: string): Promise<ListedModel[]> {
  const found = await findModels(home);
  return Promise.all(
    found.map(async ({ path }) => {
      const name = path.slice(home.length + 1).replaceAll("\\", "/");
      const bytes = await modelBytes(path);
      return { name, path, kind: "model", place: "models home", bytes, problem: null } as const;
    }),
  );
}

/** The models and adapters of the Hugging Face cache, incomplete ones too. */
export async function cachedModels(home = hubCacheHome()): Promise<ListedModel[]> {
  return (await hubSnapshots(home)).map(({ name, path, kind, bytes, problem }) => ({
    ...{ name, path, bytes, problem, place: "Hugging Face cache" },
    kind: kind === "adapter" ? "adapter" : "model",
  }));
}

/** Size of a model's weights. */
async function modelBytes(path: string): Promise<number> {
  const names = await readdir(path).catch(() => null);
  const files =
    names === null
      ? [path]
      : names.filter((name) => /\.(safetensors|gguf)$/.test(name)).map((name) => join(path, name));
  const sizes = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
