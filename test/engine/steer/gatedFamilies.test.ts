import { describe, expect, it } from "vitest";
import type { Backend, Tokens } from "../../../src/engine/backend/backend.ts";
import type { Intervention } from "../../../src/engine/backend/interventions.ts";
import { methodOf } from "../../../src/engine/steer/methods.ts";
import { tinyBackend, tinyModels } from "../model/tiny.ts";
import { contextOf, gatedOn, ids, prompts } from "./chanceMethods.ts";

const maxNewTokens = 5;

describe.each(tinyModels)("methods with a gate or a null space on %s", (model) => {
  it("change what follows, in mixed batches with caches as one prompt at a time without", async () => {
    const { backend } = await tinyBackend(model);
    try {
      for (const fitted of await gatedOn(backend, 2)) {
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
      for (const fitted of await gatedOn(backend, 0)) {
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
