import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DiscernError } from "../protocol/errors.ts";
import type { Label } from "../protocol/label.ts";
import { type Source, type SourceInput, sourceSchema } from "../protocol/source.ts";
import { sha256 } from "../storage/hash.ts";
import { suitePrefix, suiteSource } from "../suites/locate.ts";
import { applyLabels, labelLogPath, readLabels } from "./labels.ts";
import {
  damagedText,
  leftOut,
  lostDecisions,
  shortened,
  unknownLabels,
  unpaired,
  unusedContext,
} from "./notices.ts";
import { readPrompts } from "./read.ts";
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
  /** Whether the layout beside a file that a person chose counts, as it does where this is left out. */
  layouts?: boolean;
}

/** The prompts that a source names. */
export interface Selected {
  records: PromptRecord[];
  /** What a person must know of these prompts before they trust a figure, in whole sentences. */
  notices: string[];
}

/**
 * The prompts that a source of a recipe names, with the labels that people gave them in the log beside the file. Which
 * ones a `limit` draws is a pure function of the seed and the prompts themselves: drawing more keeps those drawn before,
 * and adding rows to the file disturbs little.
 *
 * @param own keeps only prompts with this label, where the source says nothing of labels and the file has any
 * @throws DiscernError as `readPrompts`, "column-missing" for a column of `where` or a split that the file has not, and
 * "dataset-empty" when no row passes the filters.
 */
export async function selectPrompts(
  input: SourceInput,
  options: SelectOptions = {},
  own?: Label,
): Promise<Selected> {
  const isSuite = input.file.startsWith(suitePrefix);
  const known = isSuite ? suiteSource(input.file).file.read : {};
  const source = sourceSchema.parse({ ...known, ...input });
  const { file } = source;
  const starter = file.startsWith(STARTER_PREFIX);
  const path = resolveSource(file, options);
  const wanted = new Wanted(source);
  const read = await readPrompts(path, {
    format: source.format ?? (starter ? "starter" : undefined),
    columns: source.columns,
    encoding: source.encoding,
    inputJoin: source.inputJoin,
    // A suite's file is read as its suite declares.
    ...((isSuite || options.layouts === false) && { layout: {} }),
    where: (values) => wanted.row(values),
  });
  const log = await readLabels(labelLogPath(path), options.labelBytes?.(file));
  const { label: forced, answer } = source;
  const labelled = applyLabels(read.records, log.decisions, log.pairs).map((record) => ({
    ...record,
    ...(forced !== undefined && { label: forced }),
    ...(answer !== undefined && !record.response?.trim() && { response: answer }),
  }));
  wanted.checkColumns(path, labelled);
  const candidates = labelled.filter((record) => wanted.prompt(record));
  const isLabelled = candidates.some(({ label }) => label !== undefined);
  const labels = source.labels ?? (own && source.label === undefined && isLabelled ? [own] : undefined);
  const selected = candidates.filter(
    ({ label }) => labels === undefined || (label !== undefined && labels.includes(label)),
  );
  if (selected.length === 0) {
    const {
      file: _,
      format: __,
      seed: ___,
      columns: ____,
      encoding: _____,
      inputJoin: ______,
      answer: _______,
      ...filters
    } = source;
    throw new DiscernError(
      "dataset-empty",
      `None of the ${labelled.length} prompts of ${path} passes the filters ${JSON.stringify({ ...filters, labels })}.` +
        [...leftOut(file, read.problems, read.rows), ...unknownLabels(file, candidates)]
          .map((sentence) => ` ${sentence}`)
          .join(""),
    );
  }
  const records = source.limit === undefined ? selected : drawPrompts(selected, source.limit, source.seed);
  return {
    records,
    notices: [
      ...leftOut(file, read.problems, read.rows),
      ...unknownLabels(file, candidates),
      ...lostDecisions(file, log.problems),
      ...damagedText(file, records),
      ...unusedContext(file, read.unused),
      ...unpaired(file, read.unpaired),
      ...wanted.unmet(file),
    ],
  };
}

/** The filters of a source, which remember the values that they met. */
class Wanted {
  private readonly source: Source;
  private readonly where: readonly (readonly [column: string, allowed: readonly string[]])[];
  private readonly splits: readonly string[] | undefined;
  private readonly excluded: ReadonlySet<string>;
  private readonly columns = new Set<string>();
  /** Values that are named, by the key that names them. */
  private readonly named = new Map<string, Set<string>>();
  private rows = 0;

  constructor(source: Source) {
    this.source = source;
    this.where = Object.entries(source.where ?? {}).map(([column, value]) => [column, [value].flat()]);
    this.splits = source.split === undefined ? undefined : [source.split].flat();
    const { kinds = [], exceptKinds = [], labels = [], exclude = [] } = source;
    this.excluded = new Set(exclude);
    const named = { split: this.splits ?? [], labels, kinds, exceptKinds, exclude };
    for (const [key, values] of Object.entries(named)) this.named.set(key, new Set(values));
    for (const [column, values] of this.where) this.named.set(`where.${column}`, new Set(values));
  }

  row(values: Readonly<Record<string, string>>): boolean {
    this.rows++;
    return this.where.every(([column, allowed]) => {
      const value = values[column];
      if (value !== undefined) this.columns.add(column);
      this.meet(`where.${column}`, value ?? "");
      return allowed.includes(value ?? "");
    });
  }

  prompt({ id, split, kind, label }: PromptRecord): boolean {
    this.meet("exclude", id);
    for (const key of ["kinds", "exceptKinds"]) this.meet(key, kind);
    this.meet("split", split);
    this.meet("labels", label);
    const { kinds, exceptKinds } = this.source;
    if (this.splits !== undefined && (split === undefined || !this.splits.includes(split))) return false;
    if (kinds !== undefined && (kind === undefined || !kinds.includes(kind))) return false;
    if (kind !== undefined && exceptKinds?.includes(kind)) return false;
    return !this.excluded.has(id);
  }

  /** @throws DiscernError "column-missing" for a column that is asked for and that no row has. */
  checkColumns(path: string, records: readonly PromptRecord[]): void {
    const lacking = this.where.find(([column]) => this.rows > 0 && !this.columns.has(column));
    if (lacking) {
      throw new DiscernError(
        "column-missing",
        `${path} has no column "${lacking[0]}", which "where" asks for. Name one that it has.`,
      );
    }
    if (this.splits && records.length > 0 && records.every(({ split }) => split === undefined)) {
      throw new DiscernError(
        "column-missing",
        `${path} has no split column, so split "${this.splits.join(", ")}" is unknown.`,
      );
    }
  }

  /** Values that a filter names and no prompt has: most are misspelt. */
  unmet(file: string): string[] {
    return [...this.named].flatMap(([key, values]) =>
      values.size === 0
        ? []
        : `"${key}" names ${[...values].map((value) => shortened(value)).join(", ")}, which no prompt of ${file} has that ` +
          "passes the other filters. Check the spelling.",
    );
  }

  private meet(key: string, value: string | undefined): void {
    if (value !== undefined) this.named.get(key)?.delete(value);
  }
}

/**
 * The path that the `file` of a source means.
 *
 * @throws DiscernError "file-missing" where `suite:ID` names no suite.
 */
export function resolveSource(file: string, options: SelectOptions = {}): string {
  if (file.startsWith(suitePrefix)) return suiteSource(file).path;
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
 *
 * @throws DiscernError "dataset-empty" where not even one pair fits.
 */
export function drawPrompts<T extends { readonly id: string; readonly pair?: string }>(
  records: readonly T[],
  limit: number,
  seed: number,
): T[] {
  const units = Map.groupBy(records, ({ pair, id }) => (pair === undefined ? id : `pair ${pair}`));
  const rank = (unit: string) => sha256(`${seed} ${unit}`);
  const ranked = [...units].map(([unit, members]) => ({ rank: rank(unit), members }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const drawn = new Set<T>();
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
