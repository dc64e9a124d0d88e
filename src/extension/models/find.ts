import { readdir, readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { parse } from "jsonc-parser";
import * as z from "zod";
import { findModels } from "../../modelsHome/home.ts";
import { hubSnapshots } from "../../modelsHome/hubCache.ts";
import { modelNames } from "../../modelsHome/modelNames.ts";

/** Where models are looked for, in the order in which the view has them. */
export type PlaceKind = "workspace" | "folder" | "home" | "cache";

/** A place with models. */
export interface Place {
  readonly kind: PlaceKind;
  /** As a person knows it. */
  readonly title: string;
  readonly folder: string;
  /** Folder in it that is looked through, and is no part of names; the place itself where left out. */
  readonly within?: string;
}

/** A model, or an adapter, found on this machine. */
export interface Model {
  readonly path: string;
  /** As a recipe names it where it is in the models home or the cache; else its place within its folder. */
  readonly name: string;
  readonly kind: "model" | "adapter";
  readonly place: Place;
  /** Model of the hub with its commit; null for others. */
  readonly hub: { readonly id: string; readonly commit: string } | null;
  /** Size of its files where that is known without asking the engine. */
  readonly bytes: number | null;
  /** Why it cannot be used, as far as names of files show; null where nothing is known against it. */
  readonly problem: string | null;
  /** Whether that is because it has not been fetched whole. */
  readonly incomplete: boolean;
  /** What an adapter says that it was trained on. */
  readonly base: string | null;
}

/** All models and adapters of a list of places. One that several places have is that of the first. */
export async function findAll(
  places: readonly Place[],
  leaveOut: (path: string) => boolean,
): Promise<Model[]> {
  const found = new Map<string, Model>();
  for (const place of places) {
    const models = place.kind === "cache" ? await cached(place) : await ownModels(place);
    for (const model of models.sort((a, b) => a.name.localeCompare(b.name))) {
      if (!leaveOut(model.path) && !found.has(model.path)) found.set(model.path, model);
    }
  }
  return [...found.values()];
}

/** Models by place, in the order of the places; those without models are left out. */
export function byPlace(
  models: readonly Model[],
): { readonly place: Place; readonly models: readonly Model[] }[] {
  return [...Map.groupBy(models, ({ place }) => place.folder)].map(([, models]) => ({
    place: models[0]!.place,
    models,
  }));
}

/** The adapters that say they were trained on a model. */
export function adaptersOf(model: Model, all: readonly Model[]): Model[] {
  const names = new Set([...modelNames(model.path), ...modelNames(model.name), ...modelNames(model.hub?.id)]);
  return all.filter(
    ({ kind, base }) => kind === "adapter" && modelNames(base).some((name) => names.has(name)),
  );
}

/** How a recipe names a model: shortly where it is found from anywhere, else by its path. */
export function recipeName({ name, path, place }: Model): string {
  return place.kind === "cache" || place.kind === "home" ? name : path;
}

async function ownModels(place: Place): Promise<Model[]> {
  const folder = join(place.folder, place.within ?? "");
  const [models, adapters] = await Promise.all([findModels(folder), adapterFolders(folder)]);
  const describe = async (path: string, kind: Model["kind"]): Promise<Model> => ({
    ...{ path, kind, place, hub: null, bytes: null, problem: null, incomplete: false },
    // The owner belongs to the name of a model, so its place within the folder is its name.
    name: relative(folder, path).replaceAll(sep, "/") || place.title,
    base: kind === "adapter" ? await baseOf(path) : null,
  });
  return Promise.all([
    ...models.map(({ path }) => describe(path, "model")),
    ...adapters.map((path) => describe(path, "adapter")),
  ]);
}

async function cached(place: Place): Promise<Model[]> {
  const snapshots = await hubSnapshots(place.folder);
  return Promise.all(
    snapshots.map(async ({ name, path, kind, id, commit, ...known }) => ({
      ...{ path, name, place, hub: { id, commit } },
      ...{ bytes: known.bytes, problem: known.problem, incomplete: known.incomplete },
      kind: kind === "adapter" ? ("adapter" as const) : ("model" as const),
      base: kind === "adapter" ? await baseOf(path) : null,
    })),
  );
}

/** Folders with a PEFT adapter, to the depth to which models are looked for. */
async function adapterFolders(folder: string, depth = 3): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.map(({ name }) => name);
  if (names.includes("adapter_config.json") && names.includes("adapter_model.safetensors")) return [folder];
  if (depth === 0) return [];
  const below = entries.filter(
    (entry) => entry.isDirectory() && !entry.name.startsWith(".") && entry.name !== "node_modules",
  );
  return (await Promise.all(below.map(({ name }) => adapterFolders(join(folder, name), depth - 1)))).flat();
}

const adapterSchema = z.object({ base_model_name_or_path: z.string().nullish() });

async function baseOf(adapter: string): Promise<string | null> {
  try {
    const text = await readFile(join(adapter, "adapter_config.json"), "utf8");
    return adapterSchema.parse(parse(text)).base_model_name_or_path ?? null;
  } catch {
    return null;
  }
}
