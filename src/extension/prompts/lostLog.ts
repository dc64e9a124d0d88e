import type { Uri } from "vscode";
import { LabelFile } from "../../dataset/labelFile.ts";
import { labelLogPath } from "../../dataset/labels.ts";
import { count, counted } from "../../wording/numbers.ts";

/** A label log whose prompt file is gone: a row of the tree of its own, since nothing else shows its labels. */
export interface LostLog {
  readonly type: "lost";
  /** Of the prompt file that is gone. */
  readonly uri: Uri;
  /** The same as shown. */
  readonly path: string;
  readonly labels: LabelFile;
}

/**
 * Reads the label log of a prompt file that is gone.
 *
 * @returns undefined where it holds no label
 * @throws DiscernError "dataset-unreadable".
 */
export async function readLostLog(uri: Uri, path: string): Promise<LostLog | undefined> {
  const labels = new LabelFile(labelLogPath(uri.fsPath));
  await labels.read();
  const log: LostLog = { type: "lost", uri, path, labels };
  return labelledIds(log).size > 0 ? log : undefined;
}

/** Ids of the prompts that a lost log labels; those that were merely skipped are none. */
export function labelledIds({ labels }: LostLog): ReadonlySet<string> {
  return new Set(
    [...labels.current.values()].filter(({ label, note }) => label !== "skip" || note).map(({ id }) => id),
  );
}

/** What a row says of a lost log: 12 labels without a file */
export function lostWords(log: LostLog): string {
  return `${counted(labelledIds(log).size, "label")} without a file`;
}

/** What a hover says of a lost log. */
export function lostHover(log: LostLog): string {
  const people = [...new Set(log.labels.decisions.map(({ by }) => by))].sort();
  const by = people.length === 0 ? "" : ` by ${new Intl.ListFormat("en").format(people)}`;
  return (
    `${log.path} is gone, and no other file holds all its prompts. Its label log, ${log.labels.path}, has ` +
    `${counted(labelledIds(log).size, "label")}${by}. Choose the file that they belong to, export them, or move the log to the trash.`
  );
}

/** How much of a lost log a prompt file holds: holds 11 of 12 labelled prompts */
export function heldWords(held: number, all: number): string {
  return held === 0
    ? "holds none of the labelled prompts"
    : `holds ${count(held)} of ${counted(all, "labelled prompt")}`;
}
