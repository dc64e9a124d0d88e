import type { PromptRecord } from "../../dataset/record.ts";

/**
 * Where each prompt of a file stands after it was read anew, -1 where it is gone: known by its words, and among prompts of the same
 * words by its number, so that a selection stays on its prompts.
 */
export function movedPlaces(before: readonly PromptRecord[], after: readonly PromptRecord[]): Int32Array {
  const places = Map.groupBy(after.keys(), (place) => after[place]!.id);
  const used = new Map<string, number>();
  return Int32Array.from(before, ({ id }) => {
    const number = used.get(id) ?? 0;
    used.set(id, number + 1);
    return places.get(id)?.[number] ?? -1;
  });
}
