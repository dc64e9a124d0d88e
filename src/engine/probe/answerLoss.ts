import { DiscernError } from "../../protocol/errors.ts";
import type { Backend, Example, ExampleLoss } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";

/** Pairs that fit a limit, and what was done to those that do not. */
export interface FittedExamples {
  readonly examples: readonly Example[];
  /** Which of the pairs each example is. */
  readonly indices: readonly number[];
  /** How many answers were cut off; they have no end. */
  readonly cut: number;
  /** The pairs that were left out, as `file, line n`. */
  readonly leftOut: readonly string[];
}

/**
 * Encodes pairs and fits them into a limit of tokens. An answer that is too long is cut off, or left out with its prompt;
 * a prompt is never cut, for it would be another prompt.
 *
 * @throws DiscernError("dataset-empty") for a prompt without an answer, naming file and line.
 */
export async function encodeExamples(
  encoder: PromptEncoder,
  pairs: readonly { prompt: string; response?: string; source: string; line: number }[],
  { limit, tooLong }: { limit: number; tooLong: "cut" | "leave-out" },
): Promise<FittedExamples> {
  const answered = pairs.map(({ prompt, response, source, line }) => {
    if (!response?.trim()) {
      throw new DiscernError(
        "dataset-empty",
        `${source}, line ${line}: a prompt whose answer's loss is needed has no answer. Add one, or leave the prompt out.`,
      );
    }
    return { prompt, answer: response };
  });
  const examples: Example[] = [];
  const leftOut: string[] = [];
  const indices: number[] = [];
  let cut = 0;
  for (const [i, { ids, promptLength }] of (await encoder.pairs(answered)).entries()) {
    const { source, line } = pairs[i];
    if (ids.length > limit && (tooLong === "leave-out" || promptLength >= limit)) {
      leftOut.push(`${source}, line ${line}`);
      continue;
    }
    if (ids.length > limit) cut++;
    examples.push({ ids: ids.slice(0, limit), promptLength });
    indices.push(i);
  }
  return { examples, indices, cut, leftOut };
}

/** How many tokens of an example carry loss: its answer, or all but the first. */
export function labelCount({ ids, promptLength }: Example, maskPrompt: boolean): number {
  return ids.length - (maskPrompt ? promptLength : 1);
}

/**
 * Mean next-token loss, in nats, over all answer tokens of the examples. Cost: one forward pass.
 *
 * @throws DiscernError("output-not-finite").
 */
export async function answerLoss(backend: Backend, examples: readonly Example[]): Promise<number> {
  const found = await backend.losses(examples);
  const sum = (of: (each: ExampleLoss) => number) => found.reduce((total, each) => total + of(each), 0);
  return sum(({ loss }) => loss) / sum(({ tokens }) => tokens);
}
