import type { PromptRecord } from "../dataset/record.ts";
import type { SuiteDeclaration } from "../protocol/suiteDeclaration.ts";

type Counterparts = NonNullable<Extract<SuiteDeclaration, { task: "refusal" }>["counterparts"]>;

/**
 * The matched pairs of a suite whose file names none: prompts of two categories by their place. Categories that are not as long on both
 * sides are left without pairs, since a row that is missing shifts all behind it.
 *
 * @param records all prompts of the suite that are of the categories asked for, in the order of its files
 * @returns the names of pairs by the prompts' ids, and what is to be said of categories without; nothing of one that was not asked for
 */
export function counterpartsByPlace(
  counterparts: Counterparts,
  records: readonly PromptRecord[],
): { readonly pairs: ReadonlyMap<string, string>; readonly notices: readonly string[] } {
  const pairs = new Map<string, string>();
  const unequal: string[] = [];
  for (const { safe, unsafe } of counterparts) {
    const idsOf = (kind: string, toxic: boolean) =>
      records.flatMap((one) => (one.kind === kind && (one.label === "toxic") === toxic ? one.id : []));
    const [one, other] = [idsOf(safe, false), idsOf(unsafe, true)];
    if (one.length === other.length) {
      for (const [i, id] of one.entries()) {
        const pair = `${safe} ${i + 1}`;
        pairs.set(id, pair).set(other[i]!, pair);
      }
    } else if (one.length > 0 && other.length > 0)
      unequal.push(`"${safe}" (${one.length} safe) and "${unsafe}" (${other.length} unsafe)`);
  }
  const notices =
    unequal.length === 0
      ? []
      : [
          `"counterparts" names categories of which one is longer, so that nothing says which of their prompts are pairs: ${unequal.join(", ")}. ` +
            "They are drawn by themselves.",
        ];
  return { pairs, notices };
}
