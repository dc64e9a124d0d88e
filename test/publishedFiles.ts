import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe } from "vitest";
import { skipWhen } from "./skip.ts";

/** The folder of published prompt files, which `DISCERN_DATA` names; undefined where it names none. */
const folder = process.env.DISCERN_DATA ? resolve(process.env.DISCERN_DATA) : undefined;
if (folder !== undefined && !existsSync(folder))
  throw new Error(`DISCERN_DATA: there is no folder ${folder}.`);

/** The path of a published file. A file that is missing in the folder fails the tests that read it. */
export function publishedPath(file: string): string {
  return join(folder!, file);
}

/** The path of a small file of our own sentences in a published layout, named after the published file. */
export function samplePath(...file: string[]): string {
  return join(import.meta.dirname, "dataset/samples", ...file);
}

/** Tests of the published files themselves. They run where `DISCERN_DATA` names the folder that holds them. */
export function describePublished(name: string, tests: () => void): void {
  const why = `${name}: DISCERN_DATA names no folder of published prompt files.`;
  describe.skipIf(skipWhen(folder === undefined, why))(name, tests);
}
