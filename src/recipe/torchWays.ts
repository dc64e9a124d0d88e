import type { PassSize } from "./memoryPlan.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { planTorch, torchPlanText } from "./torchMemory.ts";

/** A way in which one process of PyTorch can hold a model. */
export interface TorchWay {
  /** "cpu, float32, recompute" */
  readonly name: string;
  /** The plan in words. */
  readonly text: string;
  readonly peakBytes: number;
  /** Whether this machine's memory holds it; null on a GPU, of which nothing is known here. */
  readonly fits: boolean | null;
}

/** Where and in which type PyTorch computes; a GPU in float32 is named by hand alone. */
const places = [
  { device: "cpu", dtype: "float32" },
  { device: "cpu", dtype: "bfloat16" },
  { device: "cuda", dtype: "bfloat16" },
] as const;

/**
 * What each way of holding a model takes where PyTorch computes it in one process, from the fastest to the smallest.
 *
 * @param available bytes of this machine's memory; null where that is not known.
 */
export function torchWays(
  model: ModelFacts,
  passes: readonly PassSize[],
  available: number | null,
): TorchWay[] {
  return places.flatMap(({ device, dtype }) =>
    (["keep", "recompute"] as const).map((memory) => {
      const place = { device, dtype, processes: 1, world: 1, shard: false };
      const room = device === "cpu" ? available : null;
      const { plan, fits } = planTorch(model, place, { passes, memory }, room);
      return {
        name: `${device}, ${dtype}, ${memory}`,
        text: torchPlanText(model, plan),
        peakBytes: plan.peakBytes,
        fits: device === "cpu" ? fits : null,
      };
    }),
  );
}
