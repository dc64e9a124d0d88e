import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { modelsHome } from "../modelsHome/home.ts";
import { snapshotFolder } from "../modelsHome/hubCache.ts";

/** A model as it was read once: where it lay, and which commit of the hub it is. */
interface KnownModel {
  readonly path: string;
  readonly hub?: { readonly id: string; readonly commit: string } | undefined;
}

/**
 * Where a model lies now that is not where it was, as on another machine: by the name that the recipe has for it from the recipe's folder or in
 * the models home, or as the same commit of the hub's cache. Whether its files are still the same is not looked at.
 *
 * @param base the model as the recipe names it.
 * @returns its path; where it was if it is there, and if it is found nowhere.
 */
export function presentModel(base: string, root: string, { path, hub }: KnownModel): string {
  const places = [
    path,
    resolve(root, base),
    join(modelsHome(), base),
    ...(hub ? [join(snapshotFolder(hub), path.slice(path.indexOf(hub.commit) + hub.commit.length))] : []),
  ];
  return places.find((place) => existsSync(place)) ?? path;
}
