import * as z from "zod";
import { choiceResultSchema, leftOutSchema, promptResultSchema } from "./answers.ts";
import { resultOfFormat1 } from "./format1.ts";

/** The answers to one suite, as a run keeps them until its report is written; the runs of 0.1 are read, too. */
export const suiteAnswersSchema = z.preprocess(
  (kept) => (Array.isArray(kept) ? { results: kept, leftOut: [] } : kept),
  z.object({
    results: z.array(z.preprocess(resultOfFormat1, promptResultSchema)),
    choices: z.array(choiceResultSchema).optional(),
    leftOut: z.array(leftOutSchema),
    /** The prompts were scored alone. */
    scored: z.literal(true).optional(),
  }),
);
export type SuiteAnswers = z.infer<typeof suiteAnswersSchema>;
