import * as z from "zod";

/**
 * Longest name that becomes a file or folder. File systems allow 255 bytes; what is put behind a name ("-stl-alone",
 * ".part.jsonl", the random end of a file that is written aside) has room.
 */
export const longestName = 100;

/** Names that Windows keeps for devices, whatever extension follows. */
const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** Why a name of allowed characters cannot be a file's or folder's on every system; null where it can. */
function fault(name: string): string | null {
  if (/^\.+$/.test(name)) return "dots alone name a folder that is there already";
  if (name.startsWith(".")) return "a name that begins with a dot is hidden";
  if (name.endsWith(".")) return "Windows drops a dot at the end of a name";
  if (device.test(name)) return "Windows keeps this name for a device";
  return null;
}

/** A name that becomes part of a path, on this system and on others that the folder is copied to. */
export const fileNameSchema = z
  .string()
  .max(longestName, `at most ${longestName} characters`)
  .regex(/^[\w.-]+$/, "letters, digits, dots, hyphens and underscores only")
  .superRefine((name, context) => {
    const message = fault(name);
    if (message !== null) context.addIssue({ code: "custom", message });
  });

/**
 * A name that {@link fileNameSchema} allows, as like the text as can be.
 *
 * @param instead where nothing of the text is left; also put before a name that Windows keeps for itself.
 */
export function asFileName(text: string, instead: string): string {
  const name = text
    .replace(/[^\w.-]+/g, "-")
    .replace(/^\.+/, "")
    .slice(0, longestName - instead.length - 1)
    .replace(/\.+$/, "");
  if (name === "") return instead;
  return device.test(name) ? `${instead}-${name}` : name;
}
