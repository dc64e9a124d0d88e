import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sharedPath } from "../shared.ts";

/** A path inside the folder of golden values: `DISCERN_GOLDEN`, or the one beside the project. */
export function goldenPath(...parts: string[]): string {
  const root = process.env.DISCERN_GOLDEN ?? sharedPath("golden");
  return join(root, ...parts);
}

/** One JSON file of golden values; they were written by PyTorch, so their form is trusted. */
export function readGolden<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(goldenPath(...parts), "utf8")) as T;
}

/** The Euclidean norm of all elements. */
export function norm(data: Float32Array): number {
  return Math.sqrt(data.reduce((sum, x) => sum + x * x, 0));
}
