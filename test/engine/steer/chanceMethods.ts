/** Methods with vectors of chance, fitted to nothing: what they do must hold whatever they were fitted to. */
import { median } from "simple-statistics";
import type { Backend } from "../../../src/engine/backend/backend.ts";
import type { FittedSteering, SteerContext } from "../../../src/engine/steer/method.ts";
import { methodOf } from "../../../src/engine/steer/methods.ts";
import type { SteeredPrompt } from "../../../src/engine/steer/promptSuffix.ts";
import { stacked } from "../../../src/engine/steer/vectors.ts";
import { steeringSchema } from "../../../src/protocol/steering.ts";
import { normal, stream } from "../../../src/statistics/random.ts";

const prefix = [7, 9];
const turnEnd = 158;
/** Of different lengths, so that a batch is padded; the turn ends before the last two tokens. */
export const prompts: readonly SteeredPrompt[] = [
  [12, 40, 3],
  [9, 80, 77, 21, 150, 33, 61],
  [100],
  [14, 15, 92, 65, 35],
].map((words) => ({ ids: [1, ...words, turnEnd, 5, 6], turnEnd: words.length + 1 }));
export const ids = prompts.map((prompt) => prompt.ids);

/** Methods with a gate or a null space. @param strength 0 changes nothing. */
export async function gatedOn(backend: Backend, strength: number): Promise<readonly FittedSteering[]> {
  const { hiddenSize, layers } = backend.shape;
  const all = [...Array(layers).keys()];
  const vectors = (name: string, scale: number) =>
    stacked(all.map((block) => normal(hiddenSize, stream(0, name, block)).map((x) => scale * x)));
  const fitted = [
    fittedOf(
      { type: "scans", strength, layers: all, classifierLayers: all },
      {
        chosen: {},
        numbers: { threshold: 0 },
        tensors: new Map([
          ["vectors", vectors("scans", 0.2)],
          ["reference", vectors("reference", 1)],
        ]),
      },
    ),
    fittedOf(
      { type: "cast", strength, layers: all },
      {
        chosen: { side: "from" },
        numbers: { conditionLayer: 1, threshold: 0 },
        tensors: new Map([
          [
            "condition",
            stacked([normal(hiddenSize, stream(0, "condition")).map((x) => x / Math.sqrt(hiddenSize))]),
          ],
          ["behaviour", vectors("cast", 0.2)],
        ]),
      },
    ),
    fittedOf(
      { type: "cast", strength, layers: all, restoreNorm: true },
      {
        chosen: {},
        numbers: {},
        conditions: [{ layers: [0, 1], threshold: 0, side: "from" }],
        tensors: new Map([
          ["condition", vectors("conditions", 1 / Math.sqrt(hiddenSize))],
          ["behaviour", vectors("cast", 1)],
        ]),
      },
    ),
    fittedOf(
      { type: "alphasteer", layers: all },
      {
        chosen: {},
        numbers: { strength },
        tensors: new Map([
          ["read", vectors("read", 0.05)],
          ["refusal", vectors("refusal", 0.2)],
        ]),
      },
    ),
  ];
  return Promise.all(
    fitted.map(async (one) => {
      // A gate stands in the middle of the prompts' own scores, so that it fires on some of them.
      const { gate } = await methodOf(one.steering).steer(one, contextOf(backend), prompts);
      if (gate === undefined) return one;
      const threshold = median(gate.map(({ score }) => score));
      return {
        ...one,
        numbers: { ...one.numbers, threshold },
        conditions: one.conditions?.map((condition) => ({ ...condition, threshold })),
      };
    }),
  );
}

/** Methods with one direction, ablated whole and in part, and added. */
export function directionalOn({ shape: { hiddenSize } }: Backend): readonly FittedSteering[] {
  const direction = stacked([normal(hiddenSize, stream(0, "direction"))]);
  const rest = { chosen: { layer: 1 }, numbers: {}, tensors: new Map([["direction", direction]]) };
  return [
    fittedOf({ type: "refusal-ablation" }, rest),
    fittedOf({ type: "refusal-ablation", strength: 0.5 }, rest),
    fittedOf({ type: "refusal-addition", coefficient: 0.5 }, rest),
    fittedOf({ type: "surgical" }, rest),
  ];
}

function fittedOf(steering: object, rest: Omit<FittedSteering, "steering">): FittedSteering {
  return { steering: steeringSchema.parse(steering), ...rest } as FittedSteering;
}

/** What these methods act with. */
export function contextOf(backend: Backend): SteerContext {
  return { backend, encoder: { openings: async () => [prefix] } } as unknown as SteerContext;
}
