import { constants } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The files of the sample workspace, by their place below `datasets` of the extension. */
const files = {
  "README.md": "sample/README.md",
  "dcr.discern.json": "sample/dcr.discern.json",
  "prompts/to-label.csv": "sample/to-label.csv",
  "prompts/pairs.csv": "starter/pairs.csv",
  "prompts/general.jsonl": "starter/general.jsonl",
  "prompts/safety.jsonl": "starter/safety.jsonl",
};

/**
 * Writes the sample workspace into a folder, which is made where there is none. What is there already stays as it is.
 *
 * @param extension folder of the extension, which holds `datasets`.
 * @throws the system's error where the folder cannot be written.
 */
export async function writeSample(folder: string, extension: string): Promise<void> {
  for (const [name, source] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await copyFile(join(extension, "datasets", source), path, constants.COPYFILE_EXCL).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      },
    );
  }
}
