import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readPrompts } from "../../src/dataset/read.ts";

const starter = join(import.meta.dirname, "../../datasets/starter");

/** The files that `writeOwnFiles` makes, by what is in them. */
export const ownFiles = {
  borderline: "prompts/borderline.csv",
  harmful: "prompts/harmful.jsonl",
  refusals: "prompts/our-refusals.json",
} as const;

/**
 * Writes three prompt files as a researcher has them, each in a format and with columns of its own, without labels and splits, out of
 * the starter set: harmless prompts with their types (CSV), harmful ones with their categories (JSON Lines), and refusals (JSON).
 *
 * @param perType prompts of each type, 16 types.
 */
export async function writeOwnFiles(folder: string, perType = 12): Promise<void> {
  const { records: pairs } = await readPrompts(join(starter, "pairs.csv"));
  const { records: safety } = await readPrompts(join(starter, "safety.jsonl"));
  const some = (label: string) => {
    const types = Map.groupBy(
      pairs.filter((record) => record.label === label),
      ({ kind }) => kind,
    );
    return [...types.values()].flatMap((records) => records.slice(0, perType));
  };
  const rows = some("seemingly_toxic").map(({ prompt, kind }, i) => `${i + 1},${quoted(prompt)},${kind}`);
  const lines = some("toxic").map(({ prompt, kind }, i) =>
    JSON.stringify({ uid: `h${i + 1}`, goal: prompt, category: kind }),
  );
  const refusals = safety.map(({ prompt, response }) => ({ instruction: prompt, output: response }));
  await mkdir(join(folder, "prompts"), { recursive: true });
  const write = (file: string, text: string) => writeFile(join(folder, file), `${text}\n`);
  await write(ownFiles.borderline, ["nr,question,type", ...rows].join("\n"));
  await write(ownFiles.harmful, lines.join("\n"));
  await write(ownFiles.refusals, JSON.stringify(refusals, null, 1));
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
