import * as z from "zod";
import type { Recipe } from "../../protocol/recipe.ts";
import type { RunSummaryState } from "../runs/summary.ts";

const armSchema = z.object({
  stlAlone: z.boolean(),
  /** Folder made for the run; null until it is its turn. */
  folder: z.string().nullable(),
});

/**
 * Two runs of one recipe, one after the other: safety tuning alone, then contrast before it. The recipe is kept as it was
 * when the comparison was asked for, so that both have the same seed, data order and panels whatever is edited meanwhile.
 */
export const comparisonSchema = z.object({
  id: z.string(),
  /** Name of the recipe, shown. */
  name: z.string(),
  /** Path of the recipe file, against whose folder paths are resolved. */
  recipe: z.string(),
  /** Every key of the recipe as it was, `key=value` each. */
  set: z.array(z.string()),
  arms: z.tuple([armSchema, armSchema]),
  /** Whether the second is wanted although the first did not finish. */
  goOn: z.boolean(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** A comparison of a recipe of which nothing has started. */
export function newComparison(id: string, file: string, recipe: Recipe): Comparison {
  return {
    id,
    name: recipe.name,
    recipe: file,
    set: Object.entries(recipe).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
    arms: [
      { stlAlone: true, folder: null },
      { stlAlone: false, folder: null },
    ],
    goOn: false,
  };
}

/** What became of a run: "unstarted" where its folder was made and holds none yet, "gone" where it is not there. */
export type ArmState = RunSummaryState | "unstarted" | "gone";

/** What is to be done next for a comparison. */
export type Move =
  | { readonly kind: "start"; readonly arm: 0 | 1 }
  | { readonly kind: "wait" }
  /** The first did not finish: a person decides about the second. */
  | { readonly kind: "ask" }
  /** A run was deleted, so there is nothing to compare. */
  | { readonly kind: "drop" }
  | { readonly kind: "compare" };

/**
 * Decides what comes next for a comparison.
 *
 * @param stateOf what became of the run of a folder.
 * @param busy whether another run is active, which it waits for.
 */
export function nextMove(
  { arms, goOn }: Comparison,
  stateOf: (folder: string) => ArmState,
  busy: boolean,
): Move {
  const start = (arm: 0 | 1): Move => (busy ? { kind: "wait" } : { kind: "start", arm });
  const [first, second] = arms.map(
    ({ folder }): ArmState => (folder === null ? "unstarted" : stateOf(folder)),
  );
  if (first === "gone" || second === "gone") return { kind: "drop" };
  if (first === "unstarted") return start(0);
  if (first === "starting" || first === "running") return { kind: "wait" };
  if (second === "unstarted") return first === "finished" || goOn ? start(1) : { kind: "ask" };
  return first === "finished" && second === "finished" ? { kind: "compare" } : { kind: "wait" };
}
