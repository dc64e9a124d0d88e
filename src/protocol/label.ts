import * as z from "zod";

/**
 * The three classes of DCR. `toxic` asks for harm; `seemingly_toxic` only sounds as if it did and should be
 * answered; `general` is everyday use.
 */
export const labelSchema = z.enum(["toxic", "seemingly_toxic", "general"]);
export type Label = z.infer<typeof labelSchema>;

/** What the name of a label log has behind that of its prompt file. */
export const labelLogEnding = ".labels.jsonl";

/**
 * One line of a label log (`<file>.labels.jsonl`): one person's decision about one prompt. `skip` means "seen, not
 * decided"; null takes a label away; `withdrawn` takes the person's decision back, so that those of others hold again, or
 * else what the file says. Decisions of one action share their `at`. `undo` and `redo` say that a decision restores what
 * held before the person's last action, or before its undoing.
 */
export const labelRecordSchema = z.object({
  id: z.string().min(1),
  label: z.union([labelSchema, z.enum(["skip", "withdrawn"]), z.null()]),
  by: z.string().min(1),
  at: z.iso.datetime({ offset: true }),
  note: z.string().optional(),
  undo: z.literal(true).optional(),
  redo: z.literal(true).optional(),
});
export type LabelRecord = z.infer<typeof labelRecordSchema>;
