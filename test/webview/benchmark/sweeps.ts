import { monitoredMeasures } from "../../../src/protocol/monitoredMeasures.ts";
import type { SweepResults, TrialResult } from "../../../src/protocol/report/sweep.ts";

/** A made-up trial of a loss, a layer and two seeds, which refuses toxic prompts with this probability. */
function madeTrial(
  i: number,
  loss: string,
  layer: number,
  toxic: number,
  change: Partial<TrialResult> = {},
): TrialResult {
  const name = `t${String(i).padStart(2, "0")}`;
  const figures = (shift: number) => ({
    discernment: 0.6 + toxic / 3 + shift,
    refusal_gap: toxic / 2,
    toxic_refusal: toxic + shift,
    seemingly_toxic_refusal: toxic / 2 - shift,
    general_refusal: 0.01,
    held_out_loss: 1.6 + toxic / 4,
    separation: 0.5,
  });
  return {
    ...{ name, rung: null, from: null, state: "finished", reason: null, rank: i, feasible: null },
    varied: { loss, "stages.0.layer": layer },
    settings: { "stages.0.layer": layer },
    figures: Object.fromEntries(
      Object.entries(figures(0)).map(([id, value]) => [
        id,
        { value, lower: value - 0.05, upper: value + 0.05 },
      ]),
    ),
    runs: [0, 1].map((seed) => ({
      ...{ cell: `${name}-${seed}`, seed, reason: null, steps: 120, seconds: 80 },
      state: change.state ?? "finished",
      figures: figures(seed === 0 ? -0.02 : 0.02),
    })),
    ...change,
  };
}

/** A made-up sweep over two losses and three layers, with a trial of every state. */
export function madeSweep(change: Partial<SweepResults> = {}): SweepResults {
  return {
    ...{ format: 1, name: "losses", created: "2026-01-01T00:00:00Z", model: "smollm2-135m" },
    objective: { measure: "discernment", better: "higher" },
    ...{ search: "grid", seeds: [0, 1] },
    dimensions: [{ name: "loss" }, { name: "stages.0.layer" }],
    measures: [...monitoredMeasures],
    front: { unsafe: "toxic_refusal", safe: "seemingly_toxic_refusal" },
    trials: [
      madeTrial(1, "circle", 6, 0.9),
      madeTrial(2, "circle", 12, 0.7),
      madeTrial(3, "circle", 24, 0.5),
      madeTrial(4, "InfoNCE, τ 0.1", 6, 0.4, {
        rank: null,
        state: "stopped-early",
        reason: "It was worse than the median.",
      }),
      madeTrial(5, "InfoNCE, τ 0.1", 12, 0.3, {
        rank: null,
        state: "failed",
        reason: "The disk is full.",
        figures: {},
        runs: [],
      }),
      madeTrial(6, "InfoNCE, τ 0.1", 24, 0.2, { rank: null, state: "waiting", figures: {}, runs: [] }),
    ],
    best: "t01",
    importance: null,
    caveats: ["The best of 6 trials looks better than it is."],
    ...change,
  };
}
