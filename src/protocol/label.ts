import { z } from "zod";

/**
 * The three classes of DCR. `toxic` asks for harm; `seemingly_toxic` only sounds as if it did and should be
 * answered; `general` is everyday use.
 */
export const labelSchema = z.enum(["toxic", "seemingly_toxic", "general"]);
export type Label = z.infer<typeof labelSchema>;

/**
 * One line of a label log (`<file>.labels.jsonl`): one person's decision about one prompt. `skip` means "seen, not
 * decided"; null takes a label away. `undo` only says that the decision restores an earlier one.
 */
export const labelRecordSchema = z.object({
  id: z.string().min(1),
  label: z.union([labelSchema, z.literal("skip"), z.null()]),
  by: z.string().min(1),
  at: z.iso.datetime({ offset: true }),
  note: z.string().optional(),
  undo: z.literal(true).optional(),
});
export type LabelRecord = z.infer<typeof labelRecordSchema>;
