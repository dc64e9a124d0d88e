import { existsSync } from "node:fs";
import { join } from "node:path";
import { environmentsHome, pythonIn } from "../src/engine/python/find.ts";
import { skipWhen } from "./skip.ts";

/** The Python with PyTorch and peft that tests use: `DISCERN_PYTHON`, else one that `.ci/run` or the bench had Discern make. */
export const testPython: string | null =
  process.env.DISCERN_PYTHON ||
  (["cpu", "cuda", "rocm"]
    .map((build) => pythonIn(join(environmentsHome(), build)))
    .find((path) => existsSync(path)) ??
    null);

/**
 * Whether tests that need PyTorch are to be skipped; says so in one line.
 *
 * @param what the tests are of.
 */
export function skipWithoutTorch(what: string): boolean {
  return skipWhen(
    testPython === null,
    `${what}: there is no Python with PyTorch (DISCERN_PYTHON, or discern torch install).`,
  );
}
