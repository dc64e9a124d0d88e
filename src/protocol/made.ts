import * as z from "zod";

const countSchema = z.object({
  kind: z.string().describe("Category; empty for prompts without one"),
  asked: z.int(),
  kept: z.int(),
});

/** What a run made of prompts by itself before it trained on it: how many were asked, and how many of the results are kept. */
export const madeSchema = z.object({
  what: z
    .enum(["triggers", "helpful", "preferences"])
    .describe("Triggers of safety prompts, helpful answers, or pairs of a preferred and a rejected answer"),
  stage: z
    .int()
    .optional()
    .describe("The stage that it was made for; absent for what is made before the first"),
  file: z.string().describe("The file, relative to the run folder"),
  asked: z.int(),
  kept: z.int(),
  kinds: z.array(countSchema).describe("The same by category"),
  leftOut: z.record(z.string(), z.int()).describe("How many were left out, by the reason"),
  judge: z.string().optional().describe("Id of the judge"),
});
export type Made = z.infer<typeof madeSchema>;

/** What is made, in words. */
export const madeWords: Readonly<Record<Made["what"], string>> = {
  triggers: "triggers of safety prompts",
  helpful: "helpful answers",
  preferences: "preference pairs",
};

/** What was made, in one sentence: how much of it is kept, overall and by category, and what became of the rest. */
export function madeSentence({ what, asked, kept, kinds, leftOut, file }: Made): string {
  const share = (part: { asked: number; kept: number }) => `${part.kept} of ${part.asked}`;
  const named = kinds.filter(({ kind }) => kind !== "");
  const byKind =
    named.length > 1 ? ` By category: ${named.map((one) => `${one.kind} ${share(one)}`).join(", ")}.` : "";
  const reasons = Object.entries(leftOut).map(([reason, count]) => `${count} ${reason}`);
  const rest = reasons.length > 0 ? ` Left out: ${reasons.join(", ")}.` : "";
  const words = madeWords[what];
  return `${words[0]!.toUpperCase()}${words.slice(1)}: ${share({ asked, kept })} are kept (${file}).${byKind}${rest}`;
}
