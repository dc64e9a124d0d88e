import { shuffled, stream } from "../../statistics/random.ts";
import type { ProbeRow } from "./definition.ts";

/** So many prompts of each group at the most; those whose counterpart is there come first. */
export function drawnPrompts(prompts: readonly ProbeRow[], perGroup: number, seed: number): number[] {
  const groupsOfPair = new Map<string, Set<string>>();
  for (const { pair, group } of prompts) {
    if (pair !== undefined) groupsOfPair.set(pair, (groupsOfPair.get(pair) ?? new Set()).add(group));
  }
  const matched = (i: number) => (groupsOfPair.get(prompts[i]!.pair ?? "")?.size ?? 0) > 1;
  // By pair, so that both prompts of one come at the same place.
  const names = [...groupsOfPair.keys()];
  const place = new Map(shuffled(names, stream(seed, "direction", "pairs")).map((name, i) => [name, i]));
  const order = shuffled([...prompts.keys()], stream(seed, "direction", "prompts")).sort((a, b) => {
    if (matched(a) !== matched(b)) return matched(a) ? -1 : 1;
    return matched(a) ? place.get(prompts[a]!.pair!)! - place.get(prompts[b]!.pair!)! : 0;
  });
  const taken = [...Map.groupBy(order, (i) => prompts[i]!.group).values()].flatMap((group) =>
    group.slice(0, perGroup),
  );
  return taken.sort((a, b) => a - b);
}
