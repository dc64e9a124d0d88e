import { readFile } from "node:fs/promises";
import { type Contamination, contamination, type Interruption } from "../../dataset/hygiene.ts";
import { labelLogPath } from "../../dataset/labels.ts";
import { requirePromptFiles } from "../../dataset/missingFiles.ts";
import { shortened } from "../../dataset/notices.ts";
import { type Part, selectPart } from "../../dataset/parts.ts";
import type { PromptRecord } from "../../dataset/record.ts";
import { resolveSource } from "../../dataset/select.ts";
import type { Manifest } from "../../protocol/manifest.ts";
import type { Recipe } from "../../protocol/recipe.ts";
import type { SuiteContamination } from "../../protocol/report/training.ts";
import type { Source } from "../../protocol/source.ts";
import { sha256 } from "../../storage/hash.ts";
import { type StopToken, throwIfStopped } from "./stop.ts";

/** The prompts of all parts of a recipe. */
export interface RunPrompts {
  /** With the file each prompt comes from, as the recipe names it. */
  readonly contrast: (PromptRecord & { readonly origin: string })[];
  readonly general: PromptRecord[];
  readonly safety: PromptRecord[];
  readonly panels: { toxic: PromptRecord[]; seeminglyToxic: PromptRecord[]; general: PromptRecord[] };
  readonly suites: { name: string; records: PromptRecord[] }[];
  /** What a person must know of the files' rows and labels, in whole sentences. */
  readonly notices: string[];
  /** Prompts of the suites and panels that are, or nearly are, trained on (the contamination guard). */
  readonly contamination: { suites: Omit<SuiteContamination, "method">[]; panels: Contamination };
}

/** Characters of a prompt that an example of contamination shows. */
const SHOWN = 1000;

/** What a person must know of the data before they trust the run, in whole sentences. */
export function dataWarnings({ contamination: { suites, panels }, notices }: RunPrompts): string[] {
  const about = (name: string, count: number, pair: { evaluation: string; training: string } | undefined) =>
    pair === undefined
      ? []
      : [
          `Trained on as well as evaluated: ${count} of the ${name}, word for word or nearly so; figures on them ` +
            `flatter. The closest: ${shortened(pair.evaluation, 200)} and, in training, ${shortened(pair.training, 200)}.`,
        ];
  const [strongest] = suites.flatMap(({ closest }) => closest).sort((a, b) => b.similarity - a.similarity);
  const [watched] = panels.closest;
  return [
    ...about(
      "suites",
      suites.reduce((sum, { contaminated }) => sum + contaminated, 0),
      strongest,
    ),
    ...about(
      "panels",
      panels.contaminated,
      watched && { evaluation: watched.evaluation.prompt, training: watched.training.prompt },
    ),
    ...notices,
  ];
}

/** The sources that each part of a recipe reads; a kind of stage that the recipe does not have reads none. */
function usedSources({ stages, data, evaluate }: Recipe) {
  const kinds = new Set(stages.map(({ type }) => type));
  return {
    contrast: kinds.has("contrastive") ? data.contrast : [],
    general: kinds.size > 0 ? data.general : [],
    safety: kinds.has("supervised") ? data.safety : [],
    panels: data.panels,
    suites: evaluate.suites,
  };
}

/**
 * Looks whether every prompt file that a recipe reads is there.
 *
 * @param root folder against which paths are resolved.
 * @throws DiscernError "file-missing", which names all that are missing and says where published ones are to be had.
 */
export async function requireRunFiles(recipe: Recipe, root: string): Promise<void> {
  const { contrast, general, safety, panels, suites } = usedSources(recipe);
  const sources = [
    ...contrast,
    ...general,
    ...safety,
    ...Object.values(panels),
    ...suites.map(({ source }) => source),
  ];
  await requirePromptFiles(sources.map(({ file }) => resolveSource(file, { root })));
}

/**
 * Reads every prompt file that the stages, probes and suites of a recipe use; so a fault in the last of them is known
 * before the first step.
 *
 * @param root folder against which paths are resolved.
 * @param files what the files were when the run began: label logs are read no further than that, so that labels given
 *   during a run change nothing about it.
 * @param stop looked at before each file, and while prompts are compared.
 * @throws DiscernError as `requireRunFiles` and `selectPart`; Stopped.
 */
export async function readRunPrompts(
  recipe: Recipe,
  root: string,
  files: Manifest["data"],
  stop: StopToken,
): Promise<RunPrompts> {
  const bytes = new Map(files.map((file) => [file.file, file.bytes]));
  const labelBytes = (file: string) => bytes.get(labelLogPath(file)) ?? 0;
  const notices = new Set<string>();
  const read = async (part: Part, sources: readonly Source[]): Promise<PromptRecord[]> => {
    const parts = [];
    for (const source of sources) {
      throwIfStopped(stop);
      const found = await selectPart(part, source, { root, labelBytes });
      for (const notice of found.notices) notices.add(notice);
      parts.push(found.records);
    }
    return parts.flat();
  };
  await requireRunFiles(recipe, root);
  const used = usedSources(recipe);
  const readContrast = async (): Promise<RunPrompts["contrast"]> => {
    const all: RunPrompts["contrast"] = [];
    for (const source of used.contrast) {
      for (const record of await read("contrast", [source])) all.push({ ...record, origin: source.file });
    }
    return all;
  };
  const contrast = await readContrast();
  const general = await read("general", used.general);
  const safety = await read("safety", used.safety);
  const panels = {
    toxic: await read("panels.toxic", [used.panels.toxic]),
    seeminglyToxic: await read("panels.seeminglyToxic", [used.panels.seeminglyToxic]),
    general: await read("panels.general", [used.panels.general]),
  };
  const suites = [];
  for (const { name, source } of used.suites) {
    suites.push({ name, records: await read("suite", [source]) });
  }
  const training = [contrast, general, safety].flat();
  const signal = { throwIfAborted: () => throwIfStopped(stop) };
  return {
    contrast,
    general,
    safety,
    panels,
    suites,
    notices: [...notices],
    contamination: {
      suites: await contaminatedSuites(training, suites, signal),
      panels: await contamination(
        training,
        [panels.toxic, panels.seeminglyToxic, panels.general].flat(),
        signal,
      ),
    },
  };
}

async function contaminatedSuites(
  training: readonly PromptRecord[],
  suites: RunPrompts["suites"],
  signal: Interruption,
): Promise<Omit<SuiteContamination, "method">[]> {
  const shown = (prompt: string) =>
    prompt.length > SHOWN ? `${prompt.slice(0, SHOWN - 1).toWellFormed()}…` : prompt;
  const found = [];
  for (const { name, records } of suites) {
    const { closest, ...counts } = await contamination(training, records, signal);
    if (counts.contaminated === 0) continue;
    found.push({
      suite: name,
      ...counts,
      closest: closest.map(({ evaluation, training, similarity }) => ({
        evaluation: shown(evaluation.prompt),
        training: shown(training.prompt),
        similarity,
      })),
    });
  }
  return found;
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
    return [{ file, bytes: bytes.length, sha256: sha256(bytes) }];
  };
  const labels = (log: string) =>
    describe(log, began && (began.find(({ file }) => file === log)?.bytes ?? 0));
  const found = await Promise.all(
    [...files].sort().flatMap((file) => [describe(file), labels(labelLogPath(file))]),
  );
  return found.flat();
}
