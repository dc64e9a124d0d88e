import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";

const root = join(import.meta.dirname, "../..");
const manifestSchema = z.object({ publisher: z.string(), name: z.string(), version: z.string() });

/**
 * Makes `folder` one that an editor finds the built extension in. It is a link to the project, so a new build needs
 * no new installation.
 */
export async function linkExtension(folder: string): Promise<void> {
  const text = await readFile(join(root, "package.json"), "utf8");
  const { publisher, name, version } = manifestSchema.parse(JSON.parse(text));
  await mkdir(folder, { recursive: true });
  await symlink(root, join(folder, `${publisher}.${name}-${version}`), "dir").catch((error) => {
    if (error.code !== "EEXIST") throw error;
  });
}
