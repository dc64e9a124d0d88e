import type { StageRecipe } from "../protocol/recipeStages.ts";
import { EventReader } from "./eventLog.ts";
import { runPaths } from "./folder.ts";

type Kind = StageRecipe["type"];

/** Steps of a stage that are skipped: the first ones compile graphs. */
const warmUp = 3;

/**
 * Tokens per second that a run made in the steps of each kind of stage, from its events.
 *
 * @param folder of the run; one without steps has no speed.
 */
export async function measuredSpeed(folder: string): Promise<Partial<Record<Kind, number>>> {
  const sums = new Map<Kind, { tokens: number; seconds: number }>();
  let kind: Kind | null = null;
  let passed = 0;
  for await (const event of new EventReader(runPaths(folder).events).read()) {
    if (event.type === "stage-started") {
      kind = event.kind;
      passed = 0;
    }
    if (event.type !== "step" || kind === null || passed++ < warmUp) continue;
    const sum = sums.get(kind) ?? { tokens: 0, seconds: 0 };
    sum.tokens += event.tokens;
    sum.seconds += event.seconds ?? 0;
    sums.set(kind, sum);
  }
  const timed = [...sums].filter(([, { seconds }]) => seconds > 0);
  return Object.fromEntries(timed.map(([each, { tokens, seconds }]) => [each, tokens / seconds]));
}
