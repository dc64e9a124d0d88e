import { readdirSync } from "node:fs";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { describe, expect, it } from "vitest";
import type { Backend, Tokens } from "../../../src/engine/backend/backend.ts";
import { stream } from "../../../src/statistics/random.ts";
import { goldenPath, readGolden } from "../../golden/golden.ts";

const prompts: Tokens[] = Array.from({ length: 9 }, (_, i) => [
  ...[3, 9, 27],
  ...Array.from({ length: 1 + ((5 * i) % 8) }, (_, t) => 20 + ((13 * i + 5 * t) % 100)),
]);
const models = readdirSync(goldenPath("tiny"));

/** What every backend must do where the next token is a distribution: give it, and draw from it. */
export function conformanceOfNextTokens(
  opened: (model: string, use: (backend: Backend) => Promise<void>) => Promise<void>,
): void {
  it.each(models)("gives the next-token log-probabilities of transformers for tiny/%s", (model) =>
    opened(model, async (backend) => {
      const golden = readGolden<{
        input_ids: number[][];
        logits_row0_last: number[];
        logits_row1_pos9: number[];
      }>("tiny", model, "expected.json");
      const rows = [golden.input_ids[0]!, golden.input_ids[1]!.slice(0, 10)];
      const found = await backend.nextTokens(rows);
      for (const [i, logits] of [golden.logits_row0_last, golden.logits_row1_pos9].entries()) {
        const lse = Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0));
        for (const [token, z] of logits.entries()) {
          expect(Math.abs(found.get(i)![token]! - (z - lse))).toBeLessThan(2e-4);
        }
      }
    }),
  );

  it("does not run next-token batches that are known, and reports each that it ran", () =>
    opened("llama", async (backend) => {
      const all = await backend.nextTokens(prompts);
      const whole: number[][] = [];
      await backend.nextTokens(prompts, { onBatch: (found) => void whole.push([...found.keys()]) });
      expect(whole.flat().sort()).toEqual([...prompts.keys()]);
      const rest = await backend.nextTokens(prompts, { known: (index) => whole[0]!.includes(index) });
      expect([...rest.keys()].sort()).toEqual(whole.slice(1).flat().sort());
      for (const [index, logs] of rest) expect(logs).toEqual(all.get(index));
    }));

  describe.each(["llama", "gemma2"])("samples from %s", (model) => {
    const eosIds: number[] = [];

    it("each token by its probability at the temperature", () =>
      opened(model, async (backend) => {
        const [prompt] = prompts as [Tokens];
        const temperature = 0.7;
        const n = 2000;
        const rows = Array.from({ length: n }, () => prompt);
        const seeds = rows.map((_, i) => 1000 + i);
        const answers = await backend.generate(rows, {
          maxNewTokens: 2,
          eosIds,
          batchSize: 64,
          sampling: { temperature, seeds },
        });
        const drawn = rows.map((_, i) => answers.get(i)!.ids as [number, number]);
        const first = tempered((await backend.nextTokens([prompt])).get(0)!, temperature);
        expectDrawn(
          drawn.map(([token]) => token),
          first.map((p) => n * p),
        );
        // Given the first tokens that were drawn, the second ones are a mixture of what follows each.
        const firsts = [...new Set(drawn.map(([token]) => token))];
        const behind = await backend.nextTokens(firsts.map((token) => [...prompt, token]));
        const expected = new Float64Array(first.length);
        for (const [i, token] of firsts.entries()) {
          const count = drawn.filter(([own]) => own === token).length;
          for (const [next, p] of tempered(behind.get(i)!, temperature).entries()) {
            expected[next]! += count * p;
          }
        }
        expectDrawn(
          drawn.map(([, token]) => token),
          [...expected],
        );
      }));

    it("the same answers in any batch, and by seed and place the token that the hash draws", () =>
      opened(model, async (backend) => {
        const seeds = prompts.map((_, i) => 7 * i);
        const options = { maxNewTokens: 6, eosIds, sampling: { temperature: 1, seeds } };
        const together = await backend.generate(prompts, options);
        for (const batchSize of [1, 3]) {
          const other = await backend.generate(prompts, { ...options, batchSize });
          expect([...other].sort(([a], [b]) => a - b)).toEqual([...together].sort(([a], [b]) => a - b));
        }
        const reversed = await backend.generate([...prompts].reverse(), {
          ...options,
          sampling: { temperature: 1, seeds: [...seeds].reverse() },
        });
        const other = await backend.generate(prompts, {
          ...options,
          sampling: { temperature: 1, seeds: seeds.map((seed) => seed + 1) },
        });
        let changed = 0;
        for (const [i, { ids }] of together) {
          expect(reversed.get(prompts.length - 1 - i)!.ids).toEqual(ids);
          changed += Number(other.get(i)!.ids.join() !== ids.join());
          const texts = ids.map((_, t) => [...prompts[i]!, ...ids.slice(0, t)]);
          const logs = await backend.nextTokens(texts);
          for (const [t, token] of ids.entries()) {
            const p = tempered(logs.get(t)!, 1);
            const below = p.slice(0, token).reduce((sum, each) => sum + each, 0);
            const u = uniformFloat64(stream(seeds[i]!, "sample", t));
            expect(u).toBeGreaterThan(below - 1e-4);
            expect(u).toBeLessThan(below + p[token]! + 1e-4);
          }
        }
        expect(changed).toBeGreaterThan(prompts.length / 2);
      }));

    it("greedily where the temperature is next to nothing, and ends as greedy answers do", () =>
      opened(model, async (backend) => {
        const options = { maxNewTokens: 6, eosIds };
        const greedy = await backend.generate(prompts, options);
        const sampling = { temperature: 1e-4, seeds: prompts.map(() => 3) };
        expect(await backend.generate(prompts, { ...options, sampling })).toEqual(greedy);
        const ends = [greedy.get(0)!.ids[2]!];
        const [cold, plain] = [
          await backend.generate(prompts, { ...options, eosIds: ends, sampling }),
          await backend.generate(prompts, { ...options, eosIds: ends }),
        ];
        expect(cold).toEqual(plain);
      }));
  });

  it.each([
    [0, [1], /temperature 0/],
    [Number.NaN, [1], /temperature NaN/],
    [1, [1, 2], /1 prompts and 2 seeds/],
  ])("refuses to sample at %s with seeds %j", (temperature, seeds, message) =>
    opened("llama", async (backend) => {
      const options = { maxNewTokens: 1, eosIds: [], sampling: { temperature, seeds } };
      const refused = expect.objectContaining({
        code: "request-invalid",
        message: expect.stringMatching(message),
      });
      await expect((async () => backend.generate([[3, 4]], options))()).rejects.toThrow(refused);
    }),
  );
}

/** softmax(logs/T), in float64. */
function tempered(logs: Float32Array, temperature: number): number[] {
  const weights = Array.from(logs, (log) => Math.exp(log / temperature));
  const total = weights.reduce((sum, x) => sum + x, 0);
  return weights.map((x) => x / total);
}

/** Holds draws against expected counts: χ² over tokens expected at least five times, the others as one. */
function expectDrawn(drawn: readonly number[], expected: readonly number[]): void {
  const observed = new Float64Array(expected.length);
  for (const token of drawn) observed[token]!++;
  const bins: [number, number][] = [[0, 0]];
  for (const [token, count] of expected.entries()) {
    if (count >= 5) bins.push([observed[token]!, count]);
    else bins[0] = [bins[0]![0] + observed[token]!, bins[0]![1] + count];
  }
  const used = bins.filter(([, count]) => count > 0);
  const chiSquare = used.reduce((sum, [seen, count]) => sum + (seen - count) ** 2 / count, 0);
  const freedom = used.length - 1;
  expect(freedom).toBeGreaterThan(5);
  // Mean and deviation of χ² are its degrees of freedom and the root of twice as many.
  expect(Math.abs(chiSquare - freedom)).toBeLessThan(4 * Math.sqrt(2 * freedom));
}
