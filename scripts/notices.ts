import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";

/** What is read of a package's `package.json`. */
const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  author: z.union([z.string(), z.object({ name: z.string() }).transform(({ name }) => name)]).optional(),
  repository: z.union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)]).optional(),
});
type Package = z.output<typeof packageSchema> & { readonly texts: readonly string[] };
const mapSchema = z.object({ sources: z.array(z.string()) });

/**
 * The notices that the licences of shipped packages ask for: name, version, licence and licence text of each, by name; where a
 * package comes without a text, its author and repository. What is in the bundles is read from their source maps.
 *
 * @param dist folder of the bundles.
 * @param others folders of packages that are shipped as they are.
 * @throws Error for a package that names no licence.
 */
export async function thirdPartyNotices(dist: string, others: readonly string[]): Promise<string> {
  const packages = await Promise.all(
    [...new Set([...(await bundledPackages(dist)), ...others])].map(readPackage),
  );
  const rule = "-".repeat(80);
  const sections = packages
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((each) => `${rule}\n${each.name} ${each.version} (${each.license})\n\n${notice(each)}\n`);
  return ["Discern contains the packages below, each under its own licence.\n", ...sections].join("\n");
}

function notice({ license, author, repository, texts }: Package): string {
  if (texts.length > 0) return texts.join("\n\n");
  const lines = [author && `Author: ${author}`, repository && `Repository: ${repository}`].filter(Boolean);
  return [`The package states the licence ${license} and comes without its text.`, ...lines].join("\n");
}

/** Folders of the packages whose sources are in bundles, from the bundles' source maps. */
async function bundledPackages(dist: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const file of await readdir(dist, { recursive: true })) {
    // Packages that are shipped as they are bring maps of their own.
    if (!file.endsWith(".map") || file.includes("node_modules")) continue;
    const path = join(dist, file);
    for (const source of mapSchema.parse(JSON.parse(await readFile(path, "utf8"))).sources) {
      const place = resolve(dirname(path), source).replaceAll("\\", "/");
      const name = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(place)?.[1];
      const folder = name && installedFolder(name, dirname(place));
      const made = /\/\.pnpm\/(?:@[^/]+\+)?[^/@]+@([^/_]+)/.exec(place)?.[1];
      if (folder && made) await checkVersion(folder, made);
      if (folder) found.add(folder);
    }
  }
  return found;
}

/**
 * Folder of a package as it is installed: maps of packages that were bundled themselves name folders of their makers. Null for one that is
 * not installed beside others of its scope: their makers put it into these, whose notices hold for it.
 */
function installedFolder(name: string, from: string): string | null {
  let isPart = false;
  for (let folder = from; ; folder = dirname(folder)) {
    const here = join(folder, "node_modules", name);
    if (existsSync(join(here, "package.json"))) return here;
    isPart ||= name.startsWith("@") && existsSync(dirname(here));
    if (folder !== dirname(folder)) continue;
    if (isPart) return null;
    throw new Error(`The package ${name} is bundled, but is not installed.`);
  }
}

/** A package that others bundled is read from a copy of its own, which must be of the same version. @throws Error where it is not. */
async function checkVersion(folder: string, bundled: string): Promise<void> {
  const { name, version } = await readPackage(folder);
  if (version !== bundled)
    throw new Error(
      `${name} ${bundled} is bundled, and ${version} is installed. Install ${name}@${bundled} as a devDependency.`,
    );
}

async function readPackage(folder: string): Promise<Package> {
  const stated = packageSchema.parse(JSON.parse(await readFile(join(folder, "package.json"), "utf8")));
  const files = (await readdir(folder))
    .filter((file) => /^(licen[cs]e|notice|third-?party-?notices)/i.test(file))
    .sort();
  const texts = await Promise.all(
    files.map(async (file) => (await readFile(join(folder, file), "utf8")).trim()),
  );
  return { ...stated, texts };
}
