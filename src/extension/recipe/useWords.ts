/*
 * How the review of a new recipe says what files hold and what they are used for. The editor's quick pick is 600 pixels wide in every window and
 * cuts off what is longer, so that every line has to fit.
 */
import type { PromptRecord } from "../../dataset/record.ts";
import { count, counted } from "../../wording/numbers.ts";
import {
  type FileUse,
  groupsOf,
  labelled,
  possibleUses,
  sourceOf,
  suiteLimit,
  type UsedFile,
} from "./fileUses.ts";

/** Uses as a person reads them where there is room. */
export const useNames: Readonly<Record<FileUse, string>> = {
  contrast: "contrastive stage",
  safety: "safety tuning",
  general: "general answers",
  monitored: "monitored",
  suite: "suite",
};

/** Uses in a line that holds several. */
const shortNames: Readonly<Record<FileUse, string>> = {
  ...{ contrast: "contrastive", safety: "safety tuning" },
  ...{ general: "general", monitored: "monitored", suite: "suite" },
};

/** Letters of a line that the quick pick shows whole. */
const LINE = 84;

const groups = [
  ["toxic", "toxic"],
  ["seemingly_toxic", "seemingly toxic"],
  ["general", "general"],
  [undefined, "without a label"],
] as const;

type Labelled = readonly Pick<PromptRecord, "label">[];

/** Prompts by label, in words: "240 toxic, 240 seemingly toxic". */
export function labelWords(records: Labelled): string {
  const words = groups.flatMap(([label, name]) => {
    const n = records.filter((record) => record.label === label).length;
    return n > 0 ? [`${count(n)} ${name}`] : [];
  });
  return words.join(", ") || "no prompts";
}

/** The same in few letters: "240 + 240" are toxic and seemingly toxic ones. */
function shortWords(records: Labelled): string {
  const of = (label: PromptRecord["label"]) => records.filter((record) => record.label === label).length;
  const [toxic, seemingly] = [of("toxic"), of("seemingly_toxic")];
  if (toxic === 0 || seemingly === 0) return labelWords(records);
  const rest = records.filter(({ label }) => label !== "toxic" && label !== "seemingly_toxic");
  return `${count(toxic)} + ${count(seemingly)}${rest.length > 0 ? `, ${labelWords(rest)}` : ""}`;
}

/** What a file holds, in words; nothing of one that cannot be read, whose use says why. */
export function contentWords(used: UsedFile): string {
  const { file, label } = used;
  if (file.problem !== undefined) return "";
  return `${shortWords(labelled(used))}${label === undefined ? "" : " (by its answers)"}`;
}

/** How a file is used, in words, or why it is not: as much as a line holds, counts by label first, then counts, then the uses alone. */
export function useWords(used: UsedFile): string {
  const { uses, division } = used;
  if (uses.length === 0) return `Not used: ${whyUnused(used)}`;
  const isHeldOut = division.by !== "none" && uses.includes("contrast");
  const isDivided = isHeldOut && uses.some((use) => use === "suite" || use === "monitored");
  const rest = [...(isDivided ? [`by ${division.by}`] : []), ...overlap(used)];
  const lines = [shortWords, (records: Labelled) => count(records.length), () => ""].map((words) => {
    const parts = uses.map((use) => `${shortNames[use]} ${countWords(used, use, words)}`.trim());
    return [...parts, ...rest].join(" · ");
  });
  return lines.find(({ length }) => length <= LINE) ?? lines.at(-1)!;
}

/** How many prompts a use takes. Their label goes without saying where a use takes those of one label. */
function countWords(used: UsedFile, use: FileUse, words: (records: Labelled) => string): string {
  const { records } = sourceOf(used, use);
  if (use === "suite" && records.length > suiteLimit) {
    const isOneSided = new Set(records.map(({ label }) => label)).size === 1;
    const all = words(records);
    return all && `${count(suiteLimit)} of ${isOneSided ? all : count(records.length)}`;
  }
  const isPlain = use === "safety" || use === "general";
  return isPlain && words(records) ? count(records.length) : words(records);
}

/** Why nothing of a file is used, and what can be done about it. */
function whyUnused(used: UsedFile): string {
  const { file } = used;
  // The whole reason is what Enter shows.
  if (file.problem !== undefined)
    return "Not used: ".length + file.problem.length <= LINE
      ? file.problem
      : "it gives no prompts. Enter says why";
  if (file.records.length === 0) return "it holds no prompts";
  if (possibleUses(used).length > 0) return "no use is chosen";
  if (groupsOf(used).general > 0) return "its general prompts have no answers";
  return `none of its ${counted(file.records.length, "prompt")} has a label. Enter says what they are`;
}

/** How many prompts of a file are measured that are trained on, too, where its prompts cannot be divided. */
function overlap(used: UsedFile): string[] {
  const idsOf = (uses: readonly FileUse[]) =>
    new Set(
      uses
        .filter((use) => used.uses.includes(use))
        .flatMap((use) => sourceOf(used, use).records.map(({ id }) => id)),
    );
  const trained = idsOf(["contrast", "safety", "general"]);
  const both = [...idsOf(["monitored", "suite"])].filter((id) => trained.has(id)).length;
  return both === 0 ? [] : [`${count(both)} trained on and measured`];
}
