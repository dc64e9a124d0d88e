/*
 * What the prompt files of a new recipe are used for. A proposal follows from their prompts: labels, answers, splits and categories; a person
 * may change each use. What is said of it is in useWords.ts.
 */
import type { PromptRecord } from "../../dataset/record.ts";
import type { Label } from "../../protocol/label.ts";
import { refusalOpenings } from "../../protocol/openings.ts";
import type { SourceInput } from "../../protocol/source.ts";

/** A prompt file that a new recipe may use. */
export interface RecipeFile {
  /** Relative to the folder of the recipe, with slashes. */
  readonly path: string;
  /** With the labels that people gave. */
  readonly records: readonly PromptRecord[];
  /** The prompt column that a person chose, where one did. */
  readonly column?: string;
  /** Why nothing of it can be used; missing where it was read. */
  readonly problem?: string;
}

/** What a file can be used for, in the order of a run. */
export const fileUses = ["contrast", "safety", "general", "monitored", "suite"] as const;
export type FileUse = (typeof fileUses)[number];

/** Which prompts of a file are for what: by its splits, by its categories, or not divided. */
export type Division =
  | {
      readonly by: "split" | "category";
      readonly monitored: readonly string[];
      readonly test: readonly string[];
    }
  | { readonly by: "none" };

/** A file with what it is used for. */
export interface UsedFile {
  readonly file: RecipeFile;
  readonly uses: readonly FileUse[];
  /** Label of every prompt, where the file has none at all. */
  readonly label?: Label;
  readonly division: Division;
}

/** Prompts of a monitored group, so that a probe costs a few steps. */
export const monitoredLimit = 24;
/** Prompts of a suite: more are drawn from, so that a large file does not make an evaluation of hours. */
export const suiteLimit = 200;

/** Names that splits have in published files. */
const splitNames = {
  monitored: ["panel", "monitored", "validation", "valid", "val", "dev"],
  test: ["test", "eval", "evaluation", "held-out", "heldout", "held_out"],
};

/** Shares of a file's prompts that are held out, by whole categories. */
const testShare = 0.2;
const monitoredShare = 0.1;
/** Categories with their counterparts that stay for training at least. */
const leastTrained = 2;

/** What is proposed for files: each file's uses, and how its prompts are divided among them. */
export function proposeUses(files: readonly RecipeFile[]): UsedFile[] {
  const bare = files.map((file) => withLabel(file, assumedLabel(file)));
  const groups = bare.map((one) => groupsOf(one));
  const both = groups.filter(({ toxic, seemingly, problem }) => !problem && toxic > 0 && seemingly > 0);
  return bare.map((one, i) => {
    const own = groups[i]!;
    const uses = new Set<FileUse>();
    if (own.answeredGeneral > 0) uses.add("general");
    const tunes = own.answeredToxic > 0 && own.seemingly === 0;
    if (tunes) uses.add("safety");
    if (own.toxic + own.seemingly > 0 && !tunes) {
      // Prompts of one label that cannot be divided are worth more for evaluation where others give the stage both labels.
      const { division } = one;
      const isOneSided = own.toxic === 0 || own.seemingly === 0;
      const isTest = division.by === "split" && trainSplits(one.file, division).length === 0;
      if (isTest || (isOneSided && division.by === "none" && both.length > 0)) uses.add("suite");
      else uses.add("contrast");
    }
    if (one.division.by !== "none" && (uses.has("contrast") || uses.has("general"))) {
      if (one.division.monitored.length > 0) uses.add("monitored");
      if (one.division.test.length > 0 && uses.has("contrast")) uses.add("suite");
    }
    return { ...one, uses: ordered(uses) };
  });
}

/** Whether no prompt of a file has a label, so that a person may say what all of them are. */
export function isUnlabelled({ records, problem }: RecipeFile): boolean {
  return problem === undefined && records.length > 0 && records.every(({ label }) => label === undefined);
}

/** A file all of whose prompts have a label, or none, for nothing as yet. */
export function withLabel(file: RecipeFile, label: Label | undefined): UsedFile {
  return { file, uses: [], division: divide(file, label), ...(label && { label }) };
}

/** The uses that a file's prompts allow. */
export function possibleUses(used: UsedFile): FileUse[] {
  const { toxic, seemingly, general, answeredGeneral, answeredToxic } = groupsOf(used);
  const allowed = new Set<FileUse>();
  if (toxic + seemingly > 0) for (const use of ["contrast", "monitored", "suite"] as const) allowed.add(use);
  if (answeredToxic > 0) allowed.add("safety");
  if (answeredGeneral > 0) allowed.add("general");
  if (general > 0 && answeredGeneral > 0) allowed.add("monitored");
  return ordered(allowed);
}

function ordered(uses: ReadonlySet<FileUse>): FileUse[] {
  return fileUses.filter((use) => uses.has(use));
}

/**
 * The label that all prompts of a file without labels have by its answers: refusals answer toxic prompts, other answers general ones. Nothing is
 * assumed of prompts without answers.
 */
function assumedLabel({ path, records }: RecipeFile): Label | undefined {
  if (records.length === 0 || records.some(({ label }) => label !== undefined)) return undefined;
  const answers = records.flatMap(({ response }) => (response?.trim() ? [response.trim()] : []));
  if (answers.length < records.length / 2) return undefined;
  const refused = answers.filter((answer) => refusalOpenings.some((opening) => answer.startsWith(opening)));
  return refused.length >= answers.length / 4 || /safe(ty)?[_-]|refusal/i.test(path) ? "toxic" : "general";
}

/** The prompts of a file, with the label that is assumed of all. */
export function labelled({ file, label }: Pick<UsedFile, "file" | "label">): readonly PromptRecord[] {
  return label === undefined ? file.records : file.records.map((record) => ({ ...record, label }));
}

/** How many prompts of a file have each label, and how many of them an answer. */
export function groupsOf(used: Pick<UsedFile, "file" | "label">) {
  const records = labelled(used);
  const of = (label: Label, answered = false) =>
    records.filter((one) => one.label === label && (!answered || (one.response ?? "").trim() !== "")).length;
  return {
    toxic: of("toxic"),
    seemingly: of("seemingly_toxic"),
    general: of("general"),
    answeredGeneral: of("general", true),
    answeredToxic: of("toxic", true),
    problem: used.file.problem,
  };
}

/** A category with its counterpart: XSTest calls the unsafe prompts beside `homonyms` `contrast_homonyms`. */
function familyOf(kind: string): string {
  return kind.replace(/^contrast_/, "");
}

/** How the prompts of a file are divided: by its splits where it has some, else by whole categories, which training then has not seen. */
function divide(file: RecipeFile, label: Label | undefined): Division {
  const splits = new Set(file.records.flatMap(({ split }) => split ?? []));
  const named = (names: readonly string[]) =>
    [...splits].filter((split) => names.includes(split.toLowerCase()));
  if (splits.size > 0)
    return { by: "split", monitored: named(splitNames.monitored), test: named(splitNames.test) };
  const records = labelled({ file, ...(label && { label }) }).filter(
    (record) => record.label === "toxic" || record.label === "seemingly_toxic",
  );
  const families = [
    ...Map.groupBy(
      records.filter(({ kind }) => kind),
      ({ kind }) => familyOf(kind!),
    ),
  ].map(([name, members]) => ({
    name,
    kinds: [...new Set(members.map(({ kind }) => kind!))].sort(),
    size: members.length,
    labels: new Set(members.map((member) => member.label)).size,
  }));
  if (families.length <= leastTrained) return { by: "none" };
  // Families with both labels first, so that what is held out measures both failures; of these the smallest, which cost training least.
  const rest = families.sort((a, b) => b.labels - a.labels || a.size - b.size || (a.name < b.name ? -1 : 1));
  /** Whole families to about a share of the prompts, at least one. */
  const take = (share: number): string[] => {
    const kinds: string[] = [];
    const wanted = share * records.length;
    for (let taken = 0; rest.length > leastTrained; ) {
      const { size, kinds: own } = rest[0]!;
      if (taken > 0 && taken + size - wanted >= wanted - taken) break;
      for (const kind of own) kinds.push(kind);
      taken += size;
      rest.shift();
    }
    return kinds;
  };
  return { by: "category", test: take(testShare), monitored: take(monitoredShare) };
}

/** The prompts of a file that a use takes, and how a recipe says so. */
export function sourceOf(used: UsedFile, use: FileUse): { source: SourceInput; records: PromptRecord[] } {
  const { file, label, division } = used;
  const { filter, takes } = filterOf(used, use, division);
  const labels = use === "general" ? ["general"] : use === "safety" ? ["toxic"] : undefined;
  const isTold = label === undefined && labels !== undefined;
  const records = labelled(used).filter(
    (record) =>
      takes(record) &&
      (use === "contrast" || use === "suite"
        ? record.label === "toxic" || record.label === "seemingly_toxic"
        : labels === undefined || labels.includes(record.label ?? "")),
  );
  const source: SourceInput = {
    file: file.path,
    ...(file.column !== undefined && { columns: { prompt: file.column } }),
    ...(label !== undefined && { label }),
    ...filter,
    ...(isTold && { labels: labels as Label[] }),
    ...(use === "suite" && records.length > suiteLimit && { limit: suiteLimit }),
  };
  return { source, records };
}

type Filter = Pick<SourceInput, "split" | "kinds" | "exceptKinds">;

function filterOf(
  { file, uses }: UsedFile,
  use: FileUse,
  division: Division,
): { filter: Filter; takes: (record: PromptRecord) => boolean } {
  const all = { filter: {}, takes: () => true };
  const isTrained = uses.some((one) => one === "contrast" || one === "safety" || one === "general");
  // A file that nothing is trained on is evaluated whole.
  if (division.by === "none" || !isTrained) return all;
  const part = use === "suite" ? division.test : use === "monitored" ? division.monitored : undefined;
  const isOf = (names: readonly string[]) => {
    const set = new Set(names);
    return (record: PromptRecord) => set.has((division.by === "split" ? record.split : record.kind) ?? "");
  };
  if (part !== undefined) {
    if (part.length === 0) return all;
    const filter = division.by === "split" ? { split: oneOrMore(part) } : { kinds: [...part] };
    return { filter, takes: isOf(part) };
  }
  if (division.by === "split") {
    const splits = trainSplits(file, division);
    return splits.length === 0 ? all : { filter: { split: oneOrMore(splits) }, takes: isOf(splits) };
  }
  const held = [
    ...(uses.includes("suite") ? division.test : []),
    ...(uses.includes("monitored") ? division.monitored : []),
  ];
  if (held.length === 0) return all;
  const isHeld = isOf(held);
  return { filter: { exceptKinds: held }, takes: (record) => !isHeld(record) };
}

/** The splits of a file that are neither monitored nor tested. */
function trainSplits(
  { records }: RecipeFile,
  { monitored, test }: Exclude<Division, { by: "none" }>,
): string[] {
  const held = new Set([...monitored, ...test]);
  return [...new Set(records.flatMap(({ split }) => split ?? []))].filter((split) => !held.has(split));
}

function oneOrMore(values: readonly string[]): string | string[] {
  return values.length === 1 ? values[0]! : [...values];
}
