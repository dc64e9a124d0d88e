import * as z from "zod";

/** Where a prompt stands in a report, and whether it is unsafe there. */
const copySchema = z.object({ suite: z.string(), id: z.string(), unsafe: z.boolean() });
export type PromptCopy = z.infer<typeof copySchema>;

/** A prompt that stands in a report more than once, the same but for case, spaces and punctuation: all of its places, in order. */
export const repeatedPromptSchema = z.array(copySchema).min(2);
export type RepeatedPrompt = z.infer<typeof repeatedPromptSchema>;

/**
 * The prompts of one method and seed that figures over all suites count: of the copies of a repeated prompt on one side the first that
 * there is. Where suites put it on different sides, it counts once on each.
 *
 * @param repeated the repeated prompts of the report; none in reports of older versions
 */
export function countedOnce<T extends PromptCopy>(
  prompts: readonly T[],
  repeated: readonly RepeatedPrompt[] | undefined,
): readonly T[] {
  if (repeated === undefined || repeated.length === 0) return prompts;
  const numbers = numbersOf(repeated);
  const seen = new Set<string>();
  return prompts.filter((prompt) => {
    const number = numbers.get(placeOf(prompt));
    if (number === undefined) return true;
    const key = `${number} ${prompt.unsafe}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** What names a prompt in a report: the same prompt may be in two suites. */
export function placeOf({ suite, id }: Pick<PromptCopy, "suite" | "id">): string {
  return `${suite}\n${id}`;
}

const known = new WeakMap<readonly RepeatedPrompt[], ReadonlyMap<string, number>>();

/** The number of the repeated prompt at each of its places; worked out once for the many figures of a report. */
function numbersOf(repeated: readonly RepeatedPrompt[]): ReadonlyMap<string, number> {
  const found =
    known.get(repeated) ??
    new Map(repeated.flatMap((copies, number) => copies.map((copy) => [placeOf(copy), number] as const)));
  known.set(repeated, found);
  return found;
}
