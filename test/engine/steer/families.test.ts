/** What each method does to a model of any family is the same on both backends. */
import { afterAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../src/engine/backend/backend.ts";
import type { InterventionEffect } from "../../../src/engine/backend/interventions.ts";
import type { FittedSteering } from "../../../src/engine/steer/method.ts";
import { methodOf, steeringMethods } from "../../../src/engine/steer/methods.ts";
import { skipWithoutTorch } from "../../python.ts";
import { TorchWorkers } from "../backend/torchWorkers.ts";
import { tinyBackend, tinyModels, tinyPath } from "../model/tiny.ts";
import { contextOf, directionalOn, gatedOn, ids, prompts } from "./chanceMethods.ts";

const skipped = skipWithoutTorch("methods of all families on both backends");

/** Of log-probabilities and losses per token, in nats; relative for gates' scores and what interventions did. */
const tolerance = 3e-4;

describe.skipIf(skipped)(
  "the interventions of every method do on PyTorch what they do on onnxruntime",
  () => {
    const workers = new TorchWorkers();
    afterAll(() => workers.stop());

    it.each(tinyModels)("to %s", async (model) => {
      const [{ backend: onnx }, torch] = [await tinyBackend(model), await workers.open(tinyPath(model))];
      try {
        const methods = [...directionalOn(onnx), ...(await gatedOn(onnx, 2))];
        expect(new Set(methods.map(({ steering }) => steering.type))).toEqual(
          new Set(Object.keys(steeringMethods)),
        );
        const plain = await onnx.nextTokens(ids);
        for (const fitted of methods) {
          const what = JSON.stringify(fitted.steering);
          const [here, there] = [await measured(onnx, fitted), await measured(torch, fitted)];
          for (const i of ids.keys()) {
            expect(furthest(there.next.get(i)!, here.next.get(i)!), what).toBeLessThan(tolerance);
            const [a, b] = [here.losses[i]!, there.losses[i]!];
            expect(Math.abs(a.loss - b.loss) / a.tokens, what).toBeLessThan(tolerance);
            expect(there.answers.get(i), what).toEqual(here.answers.get(i));
          }
          const moved = ids.filter((_, i) => furthest(plain.get(i)!, here.next.get(i)!) > 10 * tolerance);
          expect(moved.length, what).toBeGreaterThan(0);
          expect(there.gate.map(({ decision }) => decision)).toEqual(
            here.gate.map(({ decision }) => decision),
          );
          for (const [i, { score }] of here.gate.entries()) {
            expect(Math.abs(there.gate[i]!.score - score), what).toBeLessThan(
              tolerance * Math.max(1, Math.abs(score)),
            );
          }
          expect(there.effects.length).toBe(here.effects.length);
          for (const [i, own] of here.effects.entries()) {
            const other = there.effects[i]!;
            expect([other.activations, other.of], what).toEqual([own.activations, own.of]);
            expect(Math.abs(other.norm - own.norm), what).toBeLessThanOrEqual(tolerance * own.norm);
            // What is ablated again where nothing is left of the direction is rounding.
            expect(Math.abs(other.change - own.change), what).toBeLessThanOrEqual(
              tolerance * Math.max(own.change, own.norm),
            );
            expect(furthest(other.prompts, own.prompts), what).toBeLessThan(tolerance);
          }
        }
      } finally {
        await onnx.dispose();
        await torch.dispose();
      }
    });
  },
);

/** What a model says of the prompts with a method in force, whose gate it computes itself. */
async function measured(backend: Backend, fitted: FittedSteering) {
  const { interventions, gate = [] } = await methodOf(fitted.steering).steer(
    fitted,
    contextOf(backend),
    prompts,
  );
  let effects: readonly InterventionEffect[] = [];
  const next = await backend.nextTokens(ids, { interventions, onEffects: (all) => (effects = all) });
  const losses = await backend.losses(
    ids.map((row) => ({ ids: [...row, 21, 22, 23], promptLength: row.length })),
    { interventions },
  );
  const answers = await backend.generate(ids, { maxNewTokens: 4, eosIds: [], interventions });
  return { next, losses, answers, effects, gate };
}

function furthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a, (x, i) => Math.abs(x - b[i]!)).reduce((most, x) => Math.max(most, x), 0);
}
