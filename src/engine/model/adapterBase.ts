import { realpath } from "node:fs/promises";
import { snapshotOf } from "../../modelsHome/hubCache.ts";
import { modelNames } from "../../modelsHome/modelNames.ts";

/** A model that an adapter is applied to. */
interface Base {
  readonly name: string;
  readonly path: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * What a person should know where an adapter names another base model than the one that it is applied to. Shapes fit by then, so that
 * nothing else would tell. A model has several names (its folder, its place on the hub, its short name), and is known by any of them.
 *
 * @param named `base_model_name_or_path` of the adapter; null where it names none.
 * @returns a sentence for people; null where the models are the same, or nothing says what the adapter was trained on.
 */
export async function otherBase(adapter: string, named: string | null, base: Base): Promise<string | null> {
  if (named === null || named.trim() === "") return null;
  if (await isSamePlace(named, base.path)) return null;
  const [trained, here] = [snapshotOf(named), snapshotOf(base.path)];
  if (trained !== null && here !== null && trained.id === here.id) {
    return (
      `The adapter ${adapter} was trained on commit ${trained.commit.slice(0, 12)} of ${trained.id}, and is applied to commit ` +
      `${here.commit.slice(0, 12)}.`
    );
  }
  const own = new Set([
    ...modelNames(base.path),
    ...modelNames(base.name),
    ...modelNames(base.config._name_or_path),
  ]);
  if (modelNames(named).some((name) => own.has(name))) return null;
  return (
    `The adapter ${adapter} names "${named}" as its base model, and is applied to ${base.name} (${base.path}). What it learned belongs to ` +
    "the weights that it was trained on: name that model, if this is another one."
  );
}

async function isSamePlace(a: string, b: string): Promise<boolean> {
  const real = (path: string) => realpath(path).catch(() => null);
  const place = await real(a);
  return place !== null && place === (await real(b));
}
