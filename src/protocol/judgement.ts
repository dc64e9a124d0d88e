import * as z from "zod";
import { refusalVerdictSchema } from "./report/verdicts.ts";

const currentSchema = z.object({
  id: z.string().min(1).describe("Id of the prompt"),
  suite: z.string().describe("Suite in which the answer was read"),
  method: z.string().describe("Method whose answer was read"),
  seed: z.int().describe("Seed of that method"),
  response: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe("SHA-256 of the answer, in hexadecimal"),
  verdict: refusalVerdictSchema
    .nullable()
    .describe(
      "What the answer is; null takes back what was said before, and the judge's verdict holds again",
    ),
  by: z.string().min(1).describe("Who judged"),
  at: z.iso.datetime({ offset: true }).describe("When"),
  note: z.string().optional().describe("Why"),
});

/**
 * One line of `judgements.jsonl`: what a person says an answer is. It holds for that answer's very words to that prompt,
 * whichever model gave them; `suite`, `method` and `seed` say where the person read it.
 */
export const judgementSchema = z.preprocess((line) => {
  // Logs of 0.1 call a method an arm.
  const older = z.looseObject({ arm: z.string() }).safeParse(line).data;
  return older ? { method: older.arm, ...older } : line;
}, currentSchema);
export type Judgement = z.infer<typeof judgementSchema>;
