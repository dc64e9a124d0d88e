/** The harmful prompts that CAST's conditions are taken from: all together, or by category. */
import type { SteeringOf } from "../../protocol/steering.ts";
import { shuffled, stream } from "../../statistics/random.ts";
import { quantity } from "../../wording/numbers.ts";
import { leastPrompts, type Split, splitGroups, splitOf, tooFew } from "./directions.ts";
import type { FitContext } from "./method.ts";

/** Harmful prompts of each condition. */
export interface HarmfulPrompts {
  readonly groups: readonly (Split & {
    /** Their category, where each has a condition of its own. */
    readonly name?: string;
  })[];
  /** Those of all groups, one group after the other. */
  readonly all: Split;
  /** What a reader must know of them, in whole sentences. */
  readonly notes: readonly string[];
}

/**
 * Draws them. Of several categories each has its share of what is wanted, and at least two prompts to fit on and two to compare on.
 *
 * @throws DiscernError `group-too-small` for fewer than four prompts, or where no category has four.
 */
export async function harmfulPrompts(
  { conditions, train, validation }: Pick<SteeringOf<"cast">, "conditions" | "train" | "validation">,
  context: Pick<FitContext, "prompts" | "categories" | "encoder" | "seed">,
): Promise<HarmfulPrompts> {
  if (conditions === "one") {
    const { harmful } = await splitGroups(["harmful"], { train, validation }, context);
    return { groups: [harmful], all: harmful, notes: [] };
  }
  const { prompts, categories, encoder, seed } = context;
  const different = [...new Set(prompts.harmful)];
  const byCategory = Map.groupBy(different, (prompt) => categories.get(prompt));
  const kept = [...byCategory].flatMap(([name, of]) =>
    name === undefined || of.length < leastPrompts ? [] : [{ name, of }],
  );
  if (kept.length === 0) {
    throw tooFew(
      "harmful",
      `steering.conditions is "categories", and none of their categories has ${leastPrompts} different prompts ` +
        `(${different.length} prompts, ${byCategory.size - Number(byCategory.has(undefined))} categories). Set it to "one", or name a ` +
        "column of categories by columns.kind",
    );
  }
  const used = kept.reduce((sum, { of }) => sum + of.length, 0);
  const groups: HarmfulPrompts["groups"][number][] = [];
  for (const { name, of } of kept) {
    const share = (wanted: number) => Math.max(2, Math.round((wanted * of.length) / used));
    const wanted = { train: share(train), validation: share(validation) };
    const drawn = shuffled(of, stream(seed, "steering", "harmful", name));
    groups.push({ name, ...(await splitOf(drawn, wanted, encoder)) });
  }
  const left = different.length - used;
  return {
    groups,
    all: {
      train: groups.flatMap((group) => group.train),
      validation: groups.flatMap((group) => group.validation),
    },
    notes:
      left === 0
        ? []
        : [
            `No condition is taken from ${quantity(left)} of ${quantity(different.length)} harmful prompts: they have no category, or one ` +
              `with fewer than ${leastPrompts} prompts.`,
          ],
  };
}
