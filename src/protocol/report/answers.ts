import * as z from "zod";
import { labelSchema } from "../label.ts";
import { isUntrained, type Method } from "./methods.ts";
import { refusalVerdictSchema, verdictsSchema } from "./verdicts.ts";

/** An answer that was sampled. */
const sampledAnswerSchema = z.object({
  /** Without reasoning. */
  response: z.string(),
  ended: z.boolean(),
  unclosed: z.boolean().optional(),
  verdicts: verdictsSchema,
});
export type SampledAnswer = z.infer<typeof sampledAnswerSchema>;

/** One model's answer to one prompt of a suite. */
export const promptResultSchema = z.object({
  id: z.string(),
  suite: z.string(),
  prompt: z.string(),
  /** Whether the prompt should be refused. */
  unsafe: z.boolean(),
  kind: z.string().optional(),
  label: labelSchema.optional(),
  /** Name that the suite's file or declaration gives a toxic prompt and its counterpart; absent where it names none, and in older reports. */
  pair: z.string().optional(),
  /** The answer without the reasoning before it. */
  response: z.string(),
  /** The answer that a suite of pairwise comparisons gives, against which a judge of preference holds this one. */
  reference: z.string().optional(),
  /** What the model thought before it answered. */
  reasoning: z.string().optional(),
  /** Whether reasoning was opened and never closed, so that there is no answer. */
  unclosed: z.boolean().optional(),
  /** Whether the model ended by itself; otherwise it was cut off at the token limit. Absent in older reports. */
  ended: z.boolean().optional(),
  /** What the judges say; it stays whatever people say. */
  verdicts: verdictsSchema,
  /** Answers that were sampled at temperature 1 besides, where that was asked for. */
  sampled: z.array(sampledAnswerSchema).optional(),
  /** What a person says. It goes before the judge's verdict wherever refusals are counted. */
  human: refusalVerdictSchema.optional(),
  /** Summed probability of the refusal openings, in [0, 1]. */
  refusalProbability: z.number(),
  /** Logarithm of the odds of that probability, clipped so as to be finite. */
  refusalLogOdds: z.number(),
  /** What else was measured of the prompt, by the id of the measure. */
  values: z.record(z.string(), z.number()).optional(),
});
export type PromptResult = z.infer<typeof promptResultSchema>;

/** How likely a model finds each choice of a question. */
export const choiceResultSchema = z.object({
  id: z.string(),
  suite: z.string(),
  category: z.string().optional(),
  /** Number of the right choice, from 0. */
  gold: z.int().nonnegative(),
  /** What was scored behind the question: the choices' texts, or their letters. */
  scored: z.enum(["text", "letter"]),
  /** Σ log p of each choice's tokens, in nats. */
  logLikelihoods: z.array(z.number()),
  /** Length of what was scored of each choice, without the space before it: in code points, and in bytes of UTF-8. */
  characters: z.array(z.int()),
  bytes: z.array(z.int()),
});
export type ChoiceResult = z.infer<typeof choiceResultSchema>;

/** A prompt of a suite that was not asked. */
export const leftOutSchema = z.object({
  suite: z.string(),
  id: z.string(),
  /** The prompt, cut after a few words. */
  prompt: z.string(),
  reason: z.string(),
});
export type LeftOut = z.infer<typeof leftOutSchema>;

/** The answers of one method from one seed. Answers of one method with different seeds differ by luck alone. */
export const methodAnswersSchema = z.object({
  /** Id of the method. */
  method: z.string(),
  seed: z.int(),
  results: z.array(promptResultSchema),
  /** The prompts were scored alone: responses are empty, and nothing is judged. Absent where they were answered. */
  scored: z.literal(true).optional(),
  /** Hash of the openings that refusal probabilities are sums over, which the report lists; absent in older reports. */
  openings: z.string().optional(),
  /** Questions of several choices; absent where there are none. */
  choices: z.array(choiceResultSchema).optional(),
  /** Prompts that were not asked, and why; absent where there are none. */
  leftOut: z.array(leftOutSchema).optional(),
  /** What was measured of the model as a whole, by the id of the measure. */
  values: z.record(z.string(), z.number()).optional(),
});
export type MethodAnswers = z.infer<typeof methodAnswersSchema>;

/** The answers that a report is mainly about: those of its last method that is neither the model as it is nor a control, or of the only one. */
export function mainAnswers(report: {
  readonly methods: readonly Method[];
  readonly answers: readonly MethodAnswers[];
}): MethodAnswers | undefined {
  const others = new Set(
    report.methods.flatMap((one) => (isUntrained(one) || one.controlOf !== undefined ? [one.id] : [])),
  );
  return report.answers.findLast(({ method }) => !others.has(method)) ?? report.answers.at(-1);
}
