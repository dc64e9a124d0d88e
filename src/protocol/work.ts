import * as z from "zod";
import { counted, count as numberWords } from "../wording/numbers.ts";

/** How much a model is asked: what the start of a backend is weighed against. */
export const workSchema = z.strictObject({
  prompts: z.int().nonnegative().describe("Prompts that are scored or answered"),
  tokens: z.int().nonnegative().describe("Tokens of all answers together, at most"),
});
export type Work = z.infer<typeof workSchema>;

/** A piece of work in words: "96 prompts and up to 6,144 tokens of answers". */
export function workWords({ prompts, tokens }: Work): string {
  const asked = counted(prompts, "prompt");
  return tokens === 0 ? asked : `${asked} and up to ${numberWords(tokens)} tokens of answers`;
}
