import { DiscernError } from "../protocol/errors.ts";
import {
  type LabelRecord,
  type LogEntry,
  labelLogEnding,
  labelRecordSchema,
  mergeStepSchema,
  type PairRecord,
  pairRecordSchema,
} from "../protocol/label.ts";
import { appendLines } from "../storage/append.ts";
import { type Decision, Decisions, namedPairs } from "./decisions.ts";
import { isMergeStep, isPairing, LogReader } from "./logReader.ts";
import type { PromptRecord } from "./record.ts";
import type { Problem } from "./sink.ts";

/** A label log as read: what counts, in the file's order, and the lines that could not be read. */
export interface LabelLog {
  decisions: LabelRecord[];
  pairs: readonly PairRecord[];
  problems: Problem[];
}

/** Path of the log that lies beside a prompt file. */
export function labelLogPath(promptFile: string): string {
  return promptFile + labelLogEnding;
}

/**
 * Reads a label log; a file that does not exist is an empty log. A line that is broken, as the last one is after a crash
 * in the middle of a write, is reported and passed over: the file is never rewritten.
 *
 * @param until bytes of the log that are read; all of them where it is left out.
 * @throws DiscernError "dataset-unreadable" when the file exists and can not be read.
 */
export async function readLabels(path: string, until?: number): Promise<LabelLog> {
  const log = new LogReader(path);
  await log.read(until);
  return { decisions: log.decisions, pairs: log.pairs, problems: log.problems };
}

/**
 * Appends entries with one write in append mode, so that several windows can share a log. Where the file ends in half a
 * line, the new ones start on a line of their own.
 *
 * @throws DiscernError "labels-unwritable" when the folder can not be written to.
 */
export async function appendLabels(path: string, entries: readonly LogEntry[]): Promise<void> {
  if (entries.length === 0) return;
  try {
    await appendLines(
      path,
      entries.map((entry) => JSON.stringify(checked(entry))),
    );
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw new DiscernError("labels-unwritable", `${path} can not be written: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function checked(entry: LogEntry): LogEntry {
  if (isMergeStep(entry)) return mergeStepSchema.parse(entry);
  return isPairing(entry) ? pairRecordSchema.parse(entry) : labelRecordSchema.parse(entry);
}

/** The decision that holds for each prompt, by its id; one that a person took back does not. */
export function currentDecisions(decisions: readonly LabelRecord[]): ReadonlyMap<string, Decision> {
  return new Decisions(decisions).holding;
}

/** Ids of the prompts on which two people's labels differ now. A prompt that is skipped or taken back counts for nobody. */
export function disagreements(decisions: readonly LabelRecord[]): ReadonlySet<string> {
  return new Decisions(decisions).disputed;
}

/** Prompts with the labels and pairs people gave them; a prompt nobody decided on keeps those of its file. */
export function applyLabels(
  records: readonly PromptRecord[],
  decisions: readonly LabelRecord[],
  pairs: readonly PairRecord[] = [],
): PromptRecord[] {
  const current = currentDecisions(decisions);
  const named = namedPairs(pairs);
  return records.map((record) => {
    const labelled = withDecision(record, current.get(record.id));
    const pair = named.get(record.id);
    return pair === undefined ? labelled : { ...labelled, pair };
  });
}

/** A prompt with the label of the decision that holds for it, if there is one. */
export function withDecision(record: PromptRecord, decision: Decision | undefined): PromptRecord {
  if (decision === undefined || decision.label === "skip") return record;
  const { label: _, ...rest } = record;
  return decision.label === null ? rest : { ...rest, label: decision.label };
}
