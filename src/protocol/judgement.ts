import * as z from "zod";
import { humanVerdictSchema } from "./report.ts";

/**
 * One line of `judgements.jsonl`: what a person says an answer is. It holds for that answer's very words to that prompt,
 * whichever model gave them; `suite`, `arm` and `seed` say where the person read it.
 */
export const judgementSchema = z.object({
  id: z.string().min(1).describe("Id of the prompt"),
  suite: z.string().describe("Suite in which the answer was read"),
  arm: z.string().describe("Arm whose answer was read"),
  seed: z.int().describe("Seed of that arm"),
  response: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe("SHA-256 of the answer, in hexadecimal"),
  verdict: humanVerdictSchema
    .nullable()
    .describe(
      "What the answer is; null takes back what was said before, and the judge's verdict holds again",
    ),
  by: z.string().min(1).describe("Who judged"),
  at: z.iso.datetime({ offset: true }).describe("When"),
  note: z.string().optional().describe("Why"),
});
export type Judgement = z.infer<typeof judgementSchema>;
