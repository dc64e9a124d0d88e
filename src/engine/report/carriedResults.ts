import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { LaboratoryMention } from "../../protocol/report/laboratory.ts";
import type { ShownResult } from "../../protocol/webview/laboratory.ts";
import { mentionedFile } from "../../runFolder/laboratoryMentions.ts";
import { readProbeResult } from "../../runFolder/probeFile.ts";
import { byteSize } from "../../wording/numbers.ts";

/** Size of all results that one HTML file carries: about forty of the largest of a study, which a browser opens at once. */
const carriedBytes = 32e6;

/**
 * The results that a report in a folder mentions, for a page that has to carry them: the newest ones that fit into a size in all. Of each
 * other one stands there why it is missing.
 */
export async function carriedResults(
  folder: string,
  mentions: readonly LaboratoryMention[],
  limit = carriedBytes,
): Promise<ShownResult[]> {
  const newest = mentions.toSorted((a, b) => (b.created ?? "").localeCompare(a.created ?? ""));
  const carried: ShownResult[] = [];
  let left = limit;
  for (const { file } of newest) {
    const size = await sizeOf(folder, file);
    if (size === null) carried.push({ file, problem: unread(file) });
    else if (size > left) {
      carried.push({
        file,
        problem:
          `${file} (${byteSize(size)}) is not on this page, which carries at most ${byteSize(limit)} of results, the newest first. ` +
          "Open it in VS Code, and export a page of its own there.",
      });
    } else {
      left -= size;
      carried.push(
        await readProbeResult(join(folder, file)).then(
          (result) => ({ file, result }),
          () => ({ file, problem: unread(file) }),
        ),
      );
    }
  }
  return carried;
}

/** Bytes of a result; null where it is gone, or not one that may be read. */
async function sizeOf(folder: string, file: string): Promise<number | null> {
  const path = mentionedFile(folder, file);
  if (path === null) return null;
  return stat(path).then(
    ({ size }) => size,
    () => null,
  );
}

function unread(file: string): string {
  return `${file} could not be read when this page was written. Measure it again: discern probe.`;
}
