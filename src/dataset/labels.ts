import { open, readFile } from "node:fs/promises";
import { DiscernError } from "../protocol/errors.ts";
import { type Label, type LabelRecord, labelRecordSchema } from "../protocol/label.ts";
import type { PromptRecord } from "./record.ts";
import type { Problem } from "./rows.ts";

/** A label log as read: every decision in the file's order, and the lines that could not be read. */
export interface LabelLog {
  decisions: LabelRecord[];
  problems: Problem[];
}

/** Path of the log that lies beside a prompt file. */
export function labelLogPath(promptFile: string): string {
  return `${promptFile}.labels.jsonl`;
}

/**
 * Reads a label log; a file that does not exist is an empty log. A line that is broken, as the last one is after a crash
 * in the middle of a write, is reported and passed over: the file is never rewritten.
 *
 * @throws DiscernError "dataset-unreadable" when the file exists and can not be read.
 */
export async function readLabels(path: string): Promise<LabelLog> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return { decisions: [], problems: [] };
    throw new DiscernError("dataset-unreadable", `${path} can not be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  const decisions: LabelRecord[] = [];
  const problems: Problem[] = [];
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const parsed = parseLine(line);
    if (parsed === undefined) problems.push({ line: i + 1, message: "not a label record" });
    else decisions.push(parsed);
  }
  return { decisions, problems };
}

function parseLine(line: string): LabelRecord | undefined {
  try {
    return labelRecordSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/**
 * Appends decisions with one write in append mode, so that several windows can share a log. Where the file ends in half a
 * line, the new ones start on a line of their own.
 *
 * @throws DiscernError "labels-unwritable" when the folder can not be written to.
 */
export async function appendLabels(path: string, decisions: readonly LabelRecord[]): Promise<void> {
  if (decisions.length === 0) return;
  try {
    await using file = await open(path, "a+");
    const { size } = await file.stat();
    const last = Buffer.alloc(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const opening = size > 0 && last.toString() !== "\n" ? "\n" : "";
    const lines = decisions.map((decision) => JSON.stringify(labelRecordSchema.parse(decision)));
    await file.write(`${opening}${lines.join("\n")}\n`);
    await file.sync();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw new DiscernError("labels-unwritable", `${path} can not be written: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * The decision that holds for each prompt: the latest by its time, and of two at the same time the one further down. So
 * logs of several people merge by concatenation, in any order.
 */
export function currentDecisions(decisions: readonly LabelRecord[]): Map<string, LabelRecord> {
  const current = new Map<string, LabelRecord>();
  for (const decision of decisions) {
    const earlier = current.get(decision.id);
    if (!earlier || Date.parse(decision.at) >= Date.parse(earlier.at)) current.set(decision.id, decision);
  }
  return current;
}

/** Prompts with the labels people gave them; a prompt nobody decided on keeps the label of its file. */
export function applyLabels(
  records: readonly PromptRecord[],
  decisions: readonly LabelRecord[],
): PromptRecord[] {
  const current = currentDecisions(decisions);
  return records.map((record) => {
    const decision = current.get(record.id);
    if (decision === undefined || decision.label === "skip") return record;
    const { label: _, ...rest } = record;
    return decision.label === null ? rest : { ...rest, label: decision.label satisfies Label };
  });
}
