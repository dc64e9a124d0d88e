import { median } from "simple-statistics";
import { describe, expect, it } from "vitest";
import type { Backend, Tokens } from "../../../src/engine/backend/backend.ts";
import type { Intervention } from "../../../src/engine/backend/interventions.ts";
import type { FittedSteering, SteerContext } from "../../../src/engine/steer/method.ts";
import { methodOf } from "../../../src/engine/steer/methods.ts";
import type { SteeredPrompt } from "../../../src/engine/steer/promptSuffix.ts";
import { stacked } from "../../../src/engine/steer/vectors.ts";
import { steeringSchema } from "../../../src/protocol/steering.ts";
import { normal, stream } from "../../../src/statistics/random.ts";
import { tinyBackend, tinyModels } from "../model/tiny.ts";

const prefix = [7, 9];
const turnEnd = 158;
/** Of different lengths, so that a batch is padded; the turn ends before the last two tokens. */
const prompts: readonly SteeredPrompt[] = [
  [12, 40, 3],
  [9, 80, 77, 21, 150, 33, 61],
  [100],
  [14, 15, 92, 65, 35],
].map((words) => ({ ids: [1, ...words, turnEnd, 5, 6], turnEnd: words.length + 1 }));
const ids = prompts.map((prompt) => prompt.ids);
const maxNewTokens = 5;

/** Methods with vectors of chance, fitted to nothing: what they do must hold whatever they were fitted to. */
async function fittedOn(backend: Backend, strength: number): Promise<readonly FittedSteering[]> {
  const { hiddenSize, layers } = backend.shape;
  const all = [...Array(layers).keys()];
  const vectors = (name: string, scale: number) =>
    stacked(all.map((block) => normal(hiddenSize, stream(0, name, block)).map((x) => scale * x)));
  const of = (steering: object, rest: Omit<FittedSteering, "steering">) =>
    ({ steering: steeringSchema.parse(steering), ...rest }) as FittedSteering;
  const fitted = [
    of(
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
    of(
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
    of(
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
    of(
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

function contextOf(backend: Backend): SteerContext {
  return { backend, encoder: { openings: async () => [prefix] } } as unknown as SteerContext;
}

describe.each(tinyModels)("methods with a gate or a null space on %s", (model) => {
  it("change what follows, in mixed batches with caches as one prompt at a time without", async () => {
    const { backend } = await tinyBackend(model);
    try {
      for (const fitted of await fittedOn(backend, 2)) {
        const { interventions } = await methodOf(fitted.steering).steer(fitted, contextOf(backend), prompts);
        const plain = await backend.nextTokens(ids);
        const changed = await backend.nextTokens(ids, { interventions });
        const acted = ids.map((_, i) => furthest(plain.get(i)!, changed.get(i)!) > 1e-3);
        expect(acted.includes(true), fitted.steering.type).toBe(true);

        const answers = await backend.generate(ids, { maxNewTokens, eosIds: [], interventions });
        for (const [i, prompt] of prompts.entries()) {
          const alone = await methodOf(fitted.steering).steer(fitted, contextOf(backend), [prompt]);
          const single = await backend.generate([prompt.ids], {
            maxNewTokens,
            eosIds: [],
            interventions: alone.interventions,
          });
          expect(answers.get(i)!.ids, fitted.steering.type).toEqual(single.get(0)!.ids);
          if (i > 0) continue;
          const { ids: found } = answers.get(i)!;
          const last = await lastWithoutCache(backend, prompt.ids, found, alone.interventions);
          expect(last, fitted.steering.type).toBe(found.at(-1));
        }
      }
    } finally {
      await backend.dispose();
    }
  });

  it("change nothing at all at strength 0", async () => {
    const { backend } = await tinyBackend(model);
    try {
      const plain = await backend.nextTokens(ids);
      for (const fitted of await fittedOn(backend, 0)) {
        const { interventions } = await methodOf(fitted.steering).steer(fitted, contextOf(backend), prompts);
        const changed = await backend.nextTokens(ids, { interventions });
        for (const i of ids.keys()) expect(changed.get(i), fitted.steering.type).toEqual(plain.get(i));
      }
    } finally {
      await backend.dispose();
    }
  });
});

/** The last token of a greedy answer by a whole pass over prompt and answer: the one with the least loss of all. */
async function lastWithoutCache(
  backend: Backend,
  prompt: Tokens,
  answer: Tokens,
  interventions: readonly Intervention[],
): Promise<number> {
  const vocabulary = [...Array(backend.shape.vocabularySize).keys()];
  const before = answer.slice(0, -1);
  const examples = vocabulary.map((token) => ({
    ids: [...prompt, ...before, token],
    promptLength: prompt.length,
  }));
  const losses = await backend.losses(examples, {
    interventions: interventions.map((one) => forCopies(one, examples.length)),
  });
  // Sums over the same tokens before it differ by the last token alone.
  return losses.reduce((best, { loss }, token) => (loss < losses[best]!.loss ? token : best), 0);
}

/** An intervention on one prompt, on as many copies of it. */
function forCopies(one: Intervention, count: number): Intervention {
  const { positions, scale } = one;
  return {
    ...one,
    ...(typeof positions !== "string" && { positions: { from: Array(count).fill(positions.from[0]) } }),
    ...(scale && { scale: new Float32Array(count).fill(scale[0]!) }),
  };
}

function furthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);
}
