import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** The values that the repository holds; test/golden/README.md says how they are made. */
const committed = join(import.meta.dirname, "values");

/**
 * A path inside the committed golden values, for tests that need a small model or adapter as an input and not as
 * something to compare with.
 */
export function committedPath(...parts: string[]): string {
  return join(committed, ...parts);
}

/**
 * A path inside the golden values to compare with: those of the folder that `DISCERN_GOLDEN` names, else the committed
 * ones. A file or folder at the top level that the named folder lacks is taken from the committed ones.
 *
 * @throws when `DISCERN_GOLDEN` names no folder of golden values.
 */
export function goldenPath(name: string, ...parts: string[]): string {
  const other = process.env.DISCERN_GOLDEN;
  if (other === undefined || other === "") return committedPath(name, ...parts);
  const root = resolve(other);
  if (!existsSync(join(root, "tiny"))) {
    throw new Error(`DISCERN_GOLDEN: ${root} is not a folder of golden values: it has no folder "tiny".`);
  }
  return join(existsSync(join(root, name)) ? root : committed, name, ...parts);
}

/** One JSON file of golden values; they were written by PyTorch, so their form is trusted. */
export function readGolden<T>(name: string, ...parts: string[]): T {
  return JSON.parse(readFileSync(goldenPath(name, ...parts), "utf8")) as T;
}

/** The Euclidean norm of all elements. */
export function norm(data: Float32Array): number {
  return Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
}
