import type { SuiteDeclaration, SuiteFile, SuiteOrigin } from "../protocol/suiteDeclaration.ts";
import { knownSuites } from "./registry.ts";

/** A published file, which Discern reads and does not ship, and a suite or data set that it is of. */
export interface PublishedFile {
  readonly suite: SuiteDeclaration;
  readonly file: SuiteFile;
}

/** Every published file once, although several suites may take rows of it. */
export const publishedFiles: readonly PublishedFile[] = [
  ...new Map(
    knownSuites
      .flatMap((suite) => suite.files.map((file) => ({ suite, file })))
      .toReversed()
      .map((published) => [published.file.file, published]),
  ).values(),
].reverse();

/** Names under which a folder may hold a file, the first one the name under which it is fetched. */
export function namesOf({ file, alsoNamed = [] }: SuiteFile): readonly string[] {
  return [file, ...alsoNamed];
}

/** The published file that is known by this name, or undefined. Letters may be small or capital. */
export function publishedFile(name: string): PublishedFile | undefined {
  const wanted = name.toLowerCase();
  return publishedFiles.find(({ file }) => namesOf(file).some((known) => known.toLowerCase() === wanted));
}

/** Page of what a file is fetched from. */
export function originPage(from: SuiteOrigin): string {
  if (from.type === "hub") return `https://huggingface.co/datasets/${from.dataset}`;
  return from.type === "github" ? `https://github.com/${from.repository}` : from.url;
}

/** Where a published file comes from, in words. */
export function publishedSource({ suite, file: { from } }: PublishedFile): string {
  const place = from === undefined ? "" : `: ${"path" in from ? `${from.path} of ` : ""}${originPage(from)}`;
  return `${suite.title}${place} (licence: ${suite.licence})`;
}
