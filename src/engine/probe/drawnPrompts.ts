import type { ProbePrompt } from "../../protocol/probe/result.ts";
import { shuffled, stream } from "../../statistics/random.ts";

/** What a prompt is drawn by. */
type Grouped = Pick<ProbePrompt, "group" | "pair">;

/** So many prompts of each group at the most; those whose counterpart is there come first. */
export function drawnPrompts(prompts: readonly Grouped[], perGroup: number, seed: number): number[] {
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

/** Toxic prompts with their seemingly toxic counterparts among some prompts, each prompt in one pair. */
export function matchedPairs(
  prompts: readonly Grouped[],
  among: readonly number[],
): [toxic: number, seeminglyToxic: number][] {
  const counterparts = new Map<string, number>();
  for (const i of among) {
    const { group, pair } = prompts[i]!;
    if (group === "seemingly_toxic" && pair !== undefined && !counterparts.has(pair))
      counterparts.set(pair, i);
  }
  return among.flatMap((i): [number, number][] => {
    const { group, pair } = prompts[i]!;
    if (group !== "toxic" || pair === undefined) return [];
    const counterpart = counterparts.get(pair);
    counterparts.delete(pair);
    return counterpart === undefined ? [] : [[i, counterpart]];
  });
}
