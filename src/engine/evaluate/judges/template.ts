import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { DiscernError } from "../../../protocol/errors.ts";
import { decodeText } from "../../../storage/text.ts";

/**
 * The text of a file by which a judge is asked.
 *
 * @param places what it must have, such as `prompt` for {prompt}.
 * @throws DiscernError `file-missing`; `request-invalid` where a place is missing or it is not UTF-8.
 */
export async function readTemplate(path: string, root: string, places: readonly string[]): Promise<string> {
  const file = resolve(root, path);
  let text: string;
  try {
    text = decodeText(await readFile(file));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === undefined ? "request-invalid" : "file-missing";
    throw new DiscernError(code, `The template ${file} cannot be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
  const missing = places.filter((place) => !text.includes(`{${place}}`));
  if (missing.length === 0) return text;
  throw new DiscernError(
    "request-invalid",
    `The template ${file} has no place {${missing[0]}}. It needs ${places.map((place) => `{${place}}`).join(", ")}.`,
  );
}

/** A template with its places filled, all at once: what looks like a place inside a text stays. */
export function filled(instruction: string, values: Readonly<Record<string, string>>): string {
  return instruction.replace(/\{(\w+)\}/g, (place, name: string) =>
    Object.hasOwn(values, name) ? values[name]! : place,
  );
}
