import type { Recipe } from "../protocol/recipe.ts";
import { byteSize, counted, duration } from "../wording/numbers.ts";
import type { PromptCounts } from "./check.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { panelSizes, passesSeconds, probePasses } from "./probeCost.ts";
import type { StageCost } from "./stageCost.ts";

/** What a recipe measures and keeps for the laboratory while it trains. */
export interface LaboratoryCost {
  /** By probe, how often it is measured. */
  readonly measurements: ReadonlyMap<string, number>;
  /** Of all measurements. */
  readonly seconds: number;
  /** States that are kept within stages. */
  readonly snapshots: number;
  readonly snapshotBytes: number;
}

/**
 * @param speed floating-point operations a second.
 * @param bytesOf bytes that a snapshot takes for each trained number.
 */
export function laboratoryCost(
  recipe: Recipe,
  model: ModelFacts,
  stages: readonly StageCost[],
  {
    speed,
    bytesOf,
    counts,
  }: { readonly speed: number; readonly bytesOf: number; readonly counts: PromptCounts },
): LaboratoryCost {
  const { laboratory, states } = recipe;
  const measurements = new Map<string, number>();
  const sizes = panelSizes(recipe, counts);
  let seconds = 0;
  for (const entry of laboratory) {
    const { probe, at } = entry;
    // Every so many steps begins with the untrained model.
    const times =
      at === "stage-end"
        ? stages.length
        : stages.reduce((sum, { steps }) => sum + Math.floor(steps / at.every), 1);
    measurements.set(probe, (measurements.get(probe) ?? 0) + times);
    seconds += times * passesSeconds(probePasses(entry, sizes), model, speed);
  }
  // Of its last step a stage keeps what it learned, and no snapshot.
  const kept = stages.map(({ steps }) => (states ? Math.max(0, Math.floor((steps - 1) / states.every)) : 0));
  return {
    measurements,
    seconds,
    snapshots: kept.reduce((sum, count) => sum + count, 0),
    snapshotBytes: bytesOf * stages.reduce((sum, { trained }, i) => sum + trained * kept[i]!, 0),
  };
}

/** What the laboratory of one or more runs costs, in lines; none where they measure and keep nothing. */
export function laboratoryLines(costs: readonly LaboratoryCost[]): string[] {
  const times = new Map<string, number>();
  for (const { measurements } of costs) {
    for (const [probe, count] of measurements) times.set(probe, (times.get(probe) ?? 0) + count);
  }
  const sum = (of: (cost: LaboratoryCost) => number) => costs.reduce((total, cost) => total + of(cost), 0);
  const total = [...times.values()].reduce((all, count) => all + count, 0);
  const snapshots = sum((cost) => cost.snapshots);
  return [
    ...(total === 0
      ? []
      : [
          `Laboratory: ${counted(total, "measurement")} (${[...times].map(([probe, count]) => `${probe} ${count}`).join(", ")}), ` +
            `about ${duration(sum((cost) => cost.seconds))} of the time.`,
        ]),
    ...(snapshots === 0
      ? []
      : [
          `States: ${counted(snapshots, "snapshot")} within stages, ${byteSize(sum((cost) => cost.snapshotBytes))} of the disk.`,
        ]),
  ];
}
