import type { SweepInput } from "../protocol/sweep.ts";
import { presets } from "./presets.ts";

/**
 * Trials of SmolLM2-135M on two cores: the recipe of `demo` with fewer steps, judged by its monitored prompts alone. `--set model=…`
 * with `--set stages.0.layer=…` takes them to another model.
 */
const recipe = {
  ...presets.demo,
  name: "sweep",
  model: "smollm2-135m",
} satisfies SweepInput["recipe"];

/** Ready sweeps. */
export const sweepPresets = {
  "sweep-layer": {
    name: "sweep-layer",
    recipe,
    space: { "stages.0.layer": [6, 12, 18, 24, 30] },
  },
} satisfies Record<string, SweepInput>;
