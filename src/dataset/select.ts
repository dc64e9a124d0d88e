import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import { type SourceInput, sourceSchema } from "../protocol/source.ts";
import { applyLabels, labelLogPath, readLabels } from "./labels.ts";
import { type Prompts, readPrompts } from "./read.ts";
import type { PromptRecord } from "./record.ts";

const STARTER_PREFIX = "starter:";

export interface SelectOptions {
  /** Folder against which relative paths are resolved: that of the recipe. */
  root?: string;
  /** Folder of the embedded starter set; looked for above this module where it is left out. */
  starter?: string;
  /**
   * How many bytes of the label log beside a prompt file count, by the file as the source names it; the whole log where
   * it is left out. A run that is resumed reads the labels as they were when it began.
   */
  labelBytes?: (file: string) => number;
}

/**
 * The prompts that a source of a recipe names, with the labels that people gave them in the log beside the file. Which ones a `limit` draws is a pure function of the seed and the
 * prompts themselves: drawing more keeps those drawn before, and adding rows to the file disturbs little.
 *
 * @throws DiscernError as `readPrompts`, and "dataset-empty" when no row passes the filters.
 */
export async function selectPrompts(input: SourceInput, options: SelectOptions = {}): Promise<Prompts> {
  const source = sourceSchema.parse(input);
  const starter = source.file.startsWith(STARTER_PREFIX);
  const path = resolveSource(source.file, options);
  const where = Object.entries(source.where ?? {}).map(
    ([column, value]) => [column, [value].flat()] as const,
  );
  const splits = source.split === undefined ? undefined : [source.split].flat();

  const read = await readPrompts(path, {
    format: source.format ?? (starter ? "starter" : undefined),
    columns: source.columns,
    where: (values) => where.every(([column, allowed]) => allowed.includes(values[column] ?? "")),
  });
  const { decisions } = await readLabels(labelLogPath(path), options.labelBytes?.(source.file));
  const records = applyLabels(read.records, decisions);
  if (splits && records.length > 0 && records.every((record) => record.split === undefined)) {
    throw new DiscernError(
      "column-missing",
      `${path} has no split column, so split "${splits.join(", ")}" is unknown.`,
    );
  }
  const selected = records
    .map((record) => (source.label === undefined ? record : { ...record, label: source.label }))
    .filter(
      ({ split, label, kind }) =>
        (splits === undefined || (split !== undefined && splits.includes(split))) &&
        (source.labels === undefined || (label !== undefined && source.labels.includes(label))) &&
        (source.kinds === undefined || (kind !== undefined && source.kinds.includes(kind))) &&
        !(kind !== undefined && source.exceptKinds?.includes(kind)),
    );
  if (selected.length === 0) {
    const { file: _, format: __, seed: ___, columns: ____, ...filters } = source;
    throw new DiscernError(
      "dataset-empty",
      `None of the ${records.length} prompts of ${path} passes the filters ${JSON.stringify(filters)}.`,
    );
  }
  return {
    records: source.limit === undefined ? selected : draw(selected, source.limit, source.seed),
    problems: read.problems,
  };
}

/** The path that the `file` of a source means. */
export function resolveSource(file: string, options: SelectOptions = {}): string {
  if (!file.startsWith(STARTER_PREFIX)) return resolve(options.root ?? ".", file);
  return join(options.starter ?? findStarter(), file.slice(STARTER_PREFIX.length));
}

/** The starter set lies in `datasets/starter` of the project, some folders above this module or its bundle. */
function findStarter(): string {
  for (let folder = import.meta.dirname; folder !== undefined; folder = dirname(folder)) {
    const starter = join(folder, "datasets", "starter");
    if (existsSync(starter)) return starter;
    if (folder === dirname(folder)) break;
  }
  throw new DiscernError("file-missing", "The starter set (datasets/starter) is not beside this program.");
}

/**
 * At most `limit` records in file order. Units (a pair of twins, or a single prompt) are ranked by a hash of seed and
 * unit, and taken until one does not fit.
 */
function draw(records: PromptRecord[], limit: number, seed: number): PromptRecord[] {
  const units = Map.groupBy(records, ({ pair, id }) => (pair === undefined ? id : `pair ${pair}`));
  const rank = (unit: string) => createHash("sha256").update(`${seed} ${unit}`).digest("hex");
  const ranked = [...units].map(([unit, members]) => ({ rank: rank(unit), members }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const drawn = new Set<PromptRecord>();
  for (const { members } of ranked) {
    if (drawn.size + members.length > limit) break;
    for (const record of members) drawn.add(record);
  }
  if (drawn.size === 0) {
    throw new DiscernError(
      "dataset-empty",
      `A limit of ${limit} leaves no room for twins, which are drawn together. Raise it.`,
    );
  }
  return records.filter((record) => drawn.has(record));
}
