import * as z from "zod";

/**
 * The three classes of DCR. `toxic` asks for harm; `seemingly_toxic` only sounds as if it did and should be
 * answered; `general` is everyday use.
 */
export const labelSchema = z.enum(["toxic", "seemingly_toxic", "general"]);
export type Label = z.infer<typeof labelSchema>;

/** What the name of a label log has behind that of its prompt file. */
export const labelLogEnding = ".labels.jsonl";

const timeSchema = z.iso.datetime({ offset: true });

/** What every line of a log has that says something of a prompt. */
const lineFields = {
  id: z.string().min(1),
  by: z.string().min(1),
  at: timeSchema,
  undo: z.literal(true).optional(),
  redo: z.literal(true).optional(),
  /** Who merged this line from another log, and when; lines of one merge share it, and it is what is undone. */
  merged: z.object({ by: z.string().min(1), at: timeSchema }).optional(),
  /** Id of the prompt that this line was about before the prompt was edited. */
  from: z.string().min(1).optional(),
};

/**
 * One line of a label log (`<file>.labels.jsonl`): one person's decision about one prompt. `skip` means "seen, not
 * decided"; null takes a label away; `withdrawn` takes the person's decision back, so that those of others hold again, or
 * else what the file says. Decisions of one action share their `at`. `undo` and `redo` say that a decision restores what
 * held before the person's last action, or before its undoing. A `pass` of 2 or more is the person's label when they labelled
 * again without seeing labels: it measures agreement and never holds.
 */
export const labelRecordSchema = z.object({
  ...lineFields,
  label: z.union([labelSchema, z.enum(["skip", "withdrawn"]), z.null()]),
  note: z.string().optional(),
  pass: z.int().min(2).optional(),
  /** The beginning of the prompt, by which it is found again when it is edited. */
  prompt: z.string().optional(),
  /** Whether a label without a prompt is no longer to be listed. */
  forgotten: z.literal(true).optional(),
});
export type LabelRecord = z.infer<typeof labelRecordSchema>;

/** A line of a label log that names a prompt's matched pair; null leaves it to the file. The latest holds, whoever wrote it. */
export const pairRecordSchema = z.object({ ...lineFields, pair: z.string().min(1).nullable() });
export type PairRecord = z.infer<typeof pairRecordSchema>;

/** A line of a label log by which a merge is undone or redone: lines that were merged by this person at `merge` do not count, or count again. */
export const mergeStepSchema = z.object({
  merge: timeSchema,
  by: z.string().min(1),
  at: timeSchema,
  undo: z.literal(true).optional(),
  redo: z.literal(true).optional(),
});
export type MergeStep = z.infer<typeof mergeStepSchema>;

/** A line of a label log. */
export type LogEntry = LabelRecord | PairRecord | MergeStep;
