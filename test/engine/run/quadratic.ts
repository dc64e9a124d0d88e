import { setTimeout as sleep } from "node:timers/promises";
import type { Workshop } from "../../../src/engine/run/pipelineInput.ts";
import type { Stage, StageResult, StageState } from "../../../src/engine/train/stage.ts";
import { DiscernError } from "../../../src/protocol/errors.ts";

/**
 * A tiny model: one vector pulled towards a target that differs from step to step, with momentum. All it does is a
 * pure function of its state, so resuming must give the same losses to the last bit.
 */
export function quadraticWorkshop(
  options: { steps?: number; stepMs?: number; size?: number; failAt?: number } = {},
): Workshop {
  const { steps = 30, stepMs = 0, size = 64, failAt } = options;
  const weights = new Float32Array(size).fill(1);
  const panel = { mean: null, perPrompt: [null] };
  /** Rises and falls as the vector moves, so that the widest gap is somewhere on the way. */
  const refusal = () => ({ mean: Math.sin(12 * weights[0]!), perPrompt: [null] });

  const result = (): StageResult => {
    const data = Float32Array.from(weights);
    return { method: "full", tensors: new Map([["weights", { shape: [size], data }]]) };
  };
  const open = (index: number): Stage => {
    const momentum = new Float32Array(size);
    let step = 0;
    return {
      totalSteps: steps,
      get step() {
        return step;
      },
      async next() {
        if (stepMs) await sleep(stepMs);
        if (index === 0 && step === failAt) throw new DiscernError("loss-not-finite", "loss NaN");
        let loss = 0;
        for (let i = 0; i < size; i++) {
          const error = weights[i]! - Math.sin(step * 7 + i + index);
          loss += error * error;
          momentum[i] = momentum[i]! * 0.9 + error * 0.01;
          weights[i]! -= momentum[i]!;
        }
        step += 1;
        return { loss, gradientNorm: Number.NaN, learningRate: 0.01, tokens: size };
      },
      finished: () => (step >= steps ? "steps" : null),
      async state(): Promise<StageState> {
        const copy = (data: Float32Array) => ({ shape: [size], data: Float32Array.from(data) });
        return {
          step,
          tensors: new Map([
            ["weights", copy(weights)],
            ["momentum", copy(momentum)],
          ]),
          history: { odd: [Number.NaN, 0.1] },
        };
      },
      async restore(state) {
        weights.set(state.tensors.get("weights")!.data);
        momentum.set(state.tensors.get("momentum")!.data);
        step = state.step;
      },
      learned: async () => result(),
      finish: async () => result(),
    };
  };
  return {
    started: {
      name: "quadratic",
      model: "none",
      device: "cpu",
      seed: 0,
      hashes: {},
      stages: [
        { type: "contrastive", steps },
        { type: "supervised", steps },
      ],
      totalSteps: 2 * steps,
    },
    stageCount: 2,
    monitorsUntrained: true,
    warnings: [],
    prepare: async () => undefined,
    gather: async () => undefined,
    open: async (index) => ({ kind: index ? "supervised" : "contrastive", stage: open(index) }),
    async apply(_, { tensors }) {
      weights.set(tensors.get("weights")!.data);
    },
    probe: async () => ({
      toxic: refusal(),
      seeminglyToxic: { ...panel, mean: 0 },
      general: panel,
      generalLoss: weights[0]!,
    }),
    laboratory: async () => undefined,
    use: async () => null,
    conclude: async () => null,
  };
}
