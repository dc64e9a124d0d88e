import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { contamination } from "../../dataset/hygiene.ts";
import { labelLogPath } from "../../dataset/labels.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import { resolveSource, selectPrompts } from "../../dataset/select.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { Report } from "../../protocol/report.ts";
import type { Source } from "../../protocol/source.ts";

/** The prompts of all parts of a recipe. */
export interface RunPrompts {
  /** With the file each prompt comes from, as the recipe names it. */
  readonly contrast: (PromptRecord & { readonly origin: string })[];
  readonly general: PromptRecord[];
  readonly safety: PromptRecord[];
  readonly panels: { toxic: PromptRecord[]; seeminglyToxic: PromptRecord[]; general: PromptRecord[] };
  readonly suites: { name: string; records: PromptRecord[] }[];
  /** Rows that were left out, and why, in words. */
  readonly problems: string[];
}

/** Prompts of the suites and panels that are, or nearly are, trained on, most alike first (the contamination guard). */
export function contaminated({ contrast, general, safety, panels, suites }: RunPrompts): {
  suites: Report["contamination"];
  panels: Report["contamination"];
} {
  const training = [...contrast, ...general, ...safety];
  const among = (evaluation: readonly PromptRecord[]) =>
    contamination(training, evaluation).map((found) => ({
      evaluation: found.evaluation.prompt,
      training: found.training.prompt,
      similarity: found.similarity,
    }));
  return {
    suites: among(suites.flatMap(({ records }) => records)),
    panels: among([...panels.toxic, ...panels.seeminglyToxic, ...panels.general]),
  };
}

/** What a person must know of the data before they trust the run, in whole sentences. */
export function dataWarnings(prompts: RunPrompts): string[] {
  const found = contaminated(prompts);
  const about = (name: string, pairs: Report["contamination"]) => {
    const [first] = pairs;
    const count = new Set(pairs.map(({ evaluation }) => evaluation)).size;
    return first === undefined
      ? []
      : [
          `Trained on as well as evaluated: ${count} of the ${name}, word for word or nearly so; figures on them ` +
            `flatter. The closest: ` +
            `"${first.evaluation}" and, in training, "${first.training}".`,
        ];
  };
  const [row] = prompts.problems;
  return [
    ...about("suites", found.suites),
    ...about("panels", found.panels),
    ...(row === undefined
      ? []
      : [`${prompts.problems.length} rows of the data were left out. The first: ${row}`]),
  ];
}

/**
 * Reads every prompt file that the stages, probes and suites of a recipe use; so a fault in the last of them is known
 * before the first step.
 *
 * @param root folder against which paths are resolved.
 * @param files what the files were when the run began: label logs are read no further than that, so that labels given
 *   during a run change nothing about it.
 * @throws DiscernError as `selectPrompts`.
 */
export async function readRunPrompts(
  recipe: Recipe,
  root: string,
  files: Manifest["data"],
): Promise<RunPrompts> {
  const bytes = new Map(files.map((file) => [file.file, file.bytes]));
  const labelBytes = (file: string) => bytes.get(labelLogPath(file)) ?? 0;
  const problems: string[] = [];
  const read = async (sources: readonly Source[]): Promise<PromptRecord[]> => {
    const all: PromptRecord[] = [];
    for (const source of sources) {
      const { records, problems: found } = await selectPrompts(source, { root, labelBytes });
      all.push(...records);
      for (const { line, message } of found) problems.push(`${source.file}, line ${line}: ${message}`);
    }
    return all;
  };
  const readContrast = async (): Promise<RunPrompts["contrast"]> => {
    const all: RunPrompts["contrast"] = [];
    for (const source of recipe.data.contrast) {
      for (const record of await read([source])) all.push({ ...record, origin: source.file });
    }
    return all;
  };
  const kinds = new Set(recipe.stages.map(({ type }) => type));
  const { data } = recipe;
  return {
    contrast: kinds.has("contrastive") ? await readContrast() : [],
    general: await read(data.general),
    safety: kinds.has("supervised") ? await read(data.safety) : [],
    panels: {
      toxic: await read([data.panels.toxic]),
      seeminglyToxic: await read([data.panels.seeminglyToxic]),
      general: await read([data.panels.general]),
    },
    suites: await Promise.all(
      recipe.evaluate.suites.map(async ({ name, source }) => ({ name, records: await read([source]) })),
    ),
    problems: [...new Set(problems)],
  };
}

/**
 * Size and SHA-256 of every prompt file a recipe names, and of the label logs beside them.
 *
 * @param began what the files were when the run began: label logs only grow, and only what they held then counts.
 */
export async function promptFiles(
  recipe: Recipe,
  root: string,
  began?: Manifest["data"],
): Promise<Manifest["data"]> {
  const { data, evaluate } = recipe;
  const panels = [data.panels.toxic, data.panels.seeminglyToxic, data.panels.general];
  const sources = [...data.contrast, ...data.general, ...data.safety, ...panels];
  const files = new Set([...sources, ...evaluate.suites.map(({ source }) => source)].map(({ file }) => file));
  const describe = async (file: string, until?: number): Promise<Manifest["data"]> => {
    const content = await readFile(resolveSource(file, { root })).catch(() => null);
    // A file that only a stage left out would read may be absent, and few prompt files have labels.
    const bytes = content?.subarray(0, until);
    if (!bytes?.length) return [];
    return [{ file, bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") }];
  };
  const labels = (log: string) =>
    describe(log, began && (began.find(({ file }) => file === log)?.bytes ?? 0));
  const found = await Promise.all(
    [...files].sort().flatMap((file) => [describe(file), labels(labelLogPath(file))]),
  );
  return found.flat();
}
