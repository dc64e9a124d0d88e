import type { Conflict, MergePlan } from "../../dataset/labelMerge.ts";
import { counted } from "../../wording/numbers.ts";
import { prompts, wordDecision } from "../prompts/words.ts";

/** The question before logs are merged into that of a file, and what would happen, a line each. */
export function mergeQuestion(plan: MergePlan, path: string): { question: string; detail: string } {
  const { entries, authors, conflicts, changed } = plan;
  const by = authors.length > 3 ? counted(authors.length, "person", "people") : listed(authors);
  const effects = [
    `${prompts(changed)} ${changed === 1 ? "gets" : "get"} a label, or another one: of each prompt, the latest label holds.`,
    conflicts.length > 0 &&
      `People will differ on ${prompts(conflicts.length)}, marked as disputed afterwards.`,
    ...leftOut(plan),
    "Authors and times are kept. Undo reverts the merge in one step.",
  ];
  return {
    question: `Merge ${counted(entries.length, "label")} by ${by} into ${path}?`,
    detail: effects.filter((line) => line !== false).join("\n"),
  };
}

/** Why there is nothing to merge. */
export function nothingToMerge(plan: MergePlan, path: string): string {
  const reasons = leftOut(plan);
  return `There are no new labels for ${path} in these logs.${reasons.length > 0 ? ` ${reasons.join(" ")}` : " They are empty."}`;
}

/** Who says what of a prompt, such as "Ada: toxic; Ben: general". */
export function wordConflict({ labels }: Pick<Conflict, "labels">): string {
  return labels.map(({ by, label }) => `${by}: ${wordDecision(label)}`).join("; ");
}

function leftOut({ known, foreign, broken }: MergePlan): string[] {
  return [
    known > 0 ? `${counted(known, "entry", "entries")} already in the log.` : "",
    foreign > 0
      ? `${counted(foreign, "entry", "entries")} ignored, of prompts that are not in this file.`
      : "",
    broken > 0 ? `${counted(broken, "line")} ignored, not readable.` : "",
  ].filter((line) => line !== "");
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
