import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type {
  AnswersBatch,
  Backend,
  ContrastBatch,
  Example,
  Learned,
  Tokens,
  Trainer,
  TrainerSpec,
} from "../../../src/engine/backend/backend.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { memoryTensor } from "../../../src/engine/model/weights.ts";
import { pathTrie } from "../../../src/engine/probe/tokenTrie.ts";
import { backendRecordSchema } from "../../../src/protocol/backend.ts";
import { stageSchema, type TrainRecipe } from "../../../src/protocol/recipeStages.ts";
import { deviceUseSchema } from "../../../src/protocol/telemetry.ts";
import { goldenPath, readGolden } from "../../golden/golden.ts";
import { tempFolder } from "../../tempFolder.ts";
import { numbersOf } from "../model/numbers.ts";
import { conformanceOfNextTokens } from "./nextTokens.ts";
import { conformanceOfPrompts } from "./perPrompt.ts";
import { conformanceOfSites } from "./sites.ts";

/** Opens a backend on the model in a folder; what is measured and trained with it goes when it is disposed of. */
export type OpenBackend = (folder: string) => Promise<Backend>;

/** What transformers and PyTorch computed of a tiny model (`test/golden/make/tiny.py`). */
interface Expected {
  input_ids: number[][];
  loss: number;
  logits_row0_last: number[];
  logits_row1_pos9: number[];
  hidden_states_row0_last: number[][];
  grad_norm: Record<string, number>;
  greedy: number[];
}

const models = readdirSync(goldenPath("tiny"));
/** One with full attention and one with windows, soft caps and norms on both sides. */
const kinds = ["llama", "gemma2"];
const vocabulary = 160;

/** Of lengths 6 to 22, shorter and longer than a window of 8 tokens; all begin alike. */
const prompts: Tokens[] = Array.from({ length: 19 }, (_, i) => [
  ...[3, 9, 27, 81, 11],
  ...Array.from({ length: 1 + ((7 * i) % 17) }, (_, t) => 20 + ((13 * i + 5 * t) % 100)),
]);

/** Prompts and answers of growing length; all prompts begin alike. */
const examples: Example[] = Array.from({ length: 11 }, (_, i) => {
  const prompt = [3, 4, 5, ...Array.from({ length: 2 + (i % 5) }, (_, t) => 6 + ((7 * i + 3 * t) % 60))];
  const answer = [100 + i, ...Array.from({ length: 1 + i }, (_, t) => 70 + ((5 * i + t) % 25)), 1];
  return { ids: [...prompt, ...answer], promptLength: prompt.length };
});

/** Every token of the vocabulary as an opening of one token. */
const everyToken = {
  nodes: [],
  edges: Array.from({ length: vocabulary }, (_, token) => ({ parent: -1, token, child: null })),
};

/**
 * What every backend must do, method by method, on tiny models. Where transformers or PyTorch computed a value, it is
 * compared with that; everything else with what other methods of the interface say.
 */
export function conformance(name: string, open: OpenBackend): void {
  const opened = async (model: string, use: (backend: Backend) => Promise<void>): Promise<void> => {
    const backend = await open(goldenPath("tiny", model));
    try {
      await use(backend);
    } finally {
      await backend.dispose();
    }
  };

  describe(`the backend ${name}`, () => {
    describe.each(models)("has the values of transformers for tiny/%s", (model) => {
      const expected = readGolden<Expected>("tiny", model, "expected.json");
      const [first, second] = [expected.input_ids[0]!, expected.input_ids[1]!.slice(0, 10)];

      it("next-token probabilities, entropies, features, losses and greedy answers", () =>
        opened(model, async (backend) => {
          const found = await backend.score([first, second], everyToken, { entropy: true });
          for (const [i, logits] of [expected.logits_row0_last, expected.logits_row1_pos9].entries()) {
            const logs = logSoftmax(logits);
            const { logProbabilities, entropy } = found.get(i)!;
            expectClose(logProbabilities, logs, 2e-4);
            expect(entropy).toBeCloseTo(-logs.reduce((sum, log) => sum + Math.exp(log) * log, 0), 3);
          }
          const states = expected.hidden_states_row0_last;
          expect(states.length).toBe(backend.shape.layers + 1);
          // Hugging Face's last state is behind the final norm.
          const layers = Array.from({ length: backend.shape.layers }, (_, layer) => layer);
          const features = await backend.features([first], { layers, pooling: "last" });
          for (const layer of layers) expectClose(features.get(layer)!.data, states[layer]!, 1e-4);

          const losses = await backend.losses([first, second].map((ids) => ({ ids, promptLength: 6 })));
          expect(losses.map(({ tokens }) => tokens)).toEqual([8, 4]);
          expect((losses[0]!.loss + losses[1]!.loss) / 12).toBeCloseTo(expected.loss, 4);

          const options = { maxNewTokens: expected.greedy.length, eosIds: [] };
          const answers = await backend.generate([first], options);
          expect(answers.get(0)).toEqual({ ids: expected.greedy, ended: false });
        }));

      it("the gradient of all weights, which plain SGD follows and keeps nothing of", () =>
        opened(model, async (backend) => {
          const rows = [first, second].map((ids) => ({ ids, promptLength: 6 }));
          const batch = { ...answers(rows, 1 / 12), shared: 0 };
          // Plain SGD, by which a parameter moves as far as its gradient says.
          const trainer = await backend.createTrainer({
            ...spec(batch),
            train: { ...full, embeddings: true },
            optimiser: { type: "sgd" },
          });
          const { loss, gradientNorm } = await trainer.backward([batch]);
          expect(loss).toBeCloseTo(expected.loss, 4);
          const squares = Object.values(expected.grad_norm).reduce((sum, norm) => sum + norm ** 2, 0);
          expect(Math.abs(gradientNorm / Math.sqrt(squares) - 1)).toBeLessThan(1e-3);
          const before = await trainer.save();
          expect(new Set(before.keys())).toEqual(new Set(Object.keys(expected.grad_norm)));
          await trainer.update(4, 0.5);
          for (const [parameter, { data }] of await trainer.save()) {
            const moved = Math.hypot(...data.map((x, i) => x - before.get(parameter)!.data[i]!));
            expect(Math.abs(moved / (2 * expected.grad_norm[parameter]!) - 1), parameter).toBeLessThan(2e-3);
          }
          // No moment is left of it, and what was there before comes back to the bit.
          await trainer.restore(before, 0);
          expect(await trainer.save()).toEqual(before);
          expect((await trainer.backward([batch])).loss).toBe(loss);
        }));
    });

    it("tells what computes, and what that takes where it can tell, also between two passes", () =>
      opened("llama", async (backend) => {
        expect(backendRecordSchema.parse(backend.about)).toEqual(backend.about);
        expect(backend.about.name).toMatch(/^(onnx|torch)$/);
        const before = await backend.use();
        await backend.nextTokens(prompts);
        for (const use of [before, await backend.use()]) {
          if (use === null) continue;
          expect(deviceUseSchema.parse(use)).toEqual(use);
          const { processBytes, processPeakBytes } = use;
          // Processes that import PyTorch hold more than this.
          if (processBytes !== null) expect(processBytes).toBeGreaterThan(50e6);
          if (processBytes !== null && processPeakBytes !== null)
            expect(processPeakBytes).toBeGreaterThanOrEqual(0.9 * processBytes);
        }
      }));

    describe.each(kinds)("measures %s", (model) => {
      it("scoring an opening as one token after the other, in any batch", () =>
        opened(model, async (backend) => {
          const trie = {
            nodes: [
              { parent: -1, token: 40, depth: 1 },
              { parent: 0, token: 41, depth: 2 },
              { parent: -1, token: 50, depth: 1 },
            ],
            edges: [
              { parent: -1, token: 40, child: 0 },
              { parent: 0, token: 41, child: 1 },
              { parent: 1, token: 42, child: null },
              { parent: 1, token: 43, child: null },
              { parent: -1, token: 50, child: 2 },
              { parent: 2, token: 41, child: null },
            ],
          };
          const together = await backend.score(prompts, trie);
          expect([...together.keys()].sort((a, b) => a - b)).toEqual([...prompts.keys()]);
          const behind = [[], [40], [40, 41], [40, 41], [], [50]];
          for (const i of [0, 4, 18]) {
            const rows = behind.map((path) => [...prompts[i]!, ...path]);
            const alone = await backend.score(rows, everyToken);
            const expected = trie.edges.map(({ token }, edge) => alone.get(edge)!.logProbabilities[token]!);
            expectClose(together.get(i)!.logProbabilities, expected, 1e-4);
          }
        }));

      it("scoring behind each prompt a trie of its own as that trie alone", () =>
        opened(model, async (backend) => {
          const sequences = prompts.map((_, i) => [
            [40 + i, 50, 60],
            [40 + i, 50],
            [41 + (i % 3)],
            ...(i % 2 ? [[40 + i, 51, 61, 62, 63]] : []),
          ]);
          const tries = sequences.map(pathTrie);
          const together = await backend.score(
            prompts,
            tries.map(({ trie }) => trie),
          );
          for (const i of [0, 7, 18]) {
            const { trie, paths } = tries[i]!;
            const { logProbabilities } = together.get(i)!;
            const alone = await backend.score([prompts[i]!], trie);
            expectClose(logProbabilities, alone.get(0)!.logProbabilities, 1e-4);
            const sums = paths.map((path) => path.reduce((sum, edge) => sum + logProbabilities[edge]!, 0));
            const losses = await backend.losses(
              sequences[i]!.map((answer) => ({
                ids: [...prompts[i]!, ...answer],
                promptLength: prompts[i]!.length,
              })),
            );
            expectClose(
              sums,
              losses.map(({ loss }) => -loss),
              5e-4,
            );
          }
        }));

      it("the entropy of the first answer token only where it is asked for", () =>
        opened(model, async (backend) => {
          const [plain, asked] = [
            await backend.score(prompts, everyToken),
            await backend.score(prompts, everyToken, { entropy: true }),
          ];
          for (const [i, { logProbabilities, entropy }] of asked) {
            expect(plain.get(i)).toEqual({ logProbabilities });
            expect(entropy).toBeCloseTo(
              -logProbabilities.reduce((sum, log) => sum + Math.exp(log) * log, 0),
              3,
            );
          }
        }));

      it("features of last tokens, means and chosen tokens that belong together, in any batch", () =>
        opened(model, async (backend) => {
          const layers = [3, 0, 2];
          const shared = 5;
          const own = prompts.map(({ length }) =>
            Array.from({ length: length - shared }, (_, t) => shared + t),
          );
          const chosen = await backend.features(prompts, { layers, pooling: { positions: own }, shared });
          const means = await backend.features(prompts, { layers, pooling: "mean", shared });
          const lasts = await backend.features(prompts, { layers, pooling: "last", batchSize: 3 });
          expect([...lasts.keys()].sort()).toEqual([0, 2, 3]);
          const width = backend.shape.hiddenSize;
          let start = 0;
          for (const [i, positions] of own.entries()) {
            const alone = await backend.features([prompts[i]!], { layers, pooling: "last" });
            for (const layer of layers) {
              const row = (k: number) => chosen.get(layer)!.data.subarray(k * width, (k + 1) * width);
              const at = (of: typeof means) => of.get(layer)!.data.subarray(i * width, (i + 1) * width);
              const rows = positions.map((_, t) => row(start + t));
              expectClose(at(lasts), rows.at(-1)!, 1e-4);
              expectClose(at(lasts), alone.get(layer)!.data, 1e-4);
              const mean = rows[0]!.map(
                (_, k) => rows.reduce((sum, each) => sum + each[k]!, 0) / rows.length,
              );
              expectClose(at(means), mean, 1e-4);
            }
            start += positions.length;
          }
          expect(chosen.get(2)!.count).toBe(start);
          // Tokens of the shared beginning can be chosen as well; they are the same in every prompt.
          const shares = await backend.features(prompts.slice(0, 2), {
            layers: [2],
            pooling: { positions: [[1], [1, 4]] },
          });
          const { data } = shares.get(2)!;
          expectClose(data.subarray(0, width), data.subarray(width, 2 * width), 1e-4);
          expectClose(
            data.subarray(2 * width),
            (await backend.features([prompts[0]!.slice(0, 5)], { layers: [2], pooling: "last" })).get(2)!
              .data,
            1e-4,
          );
        }));

      it("the loss of each answer as the sum of its tokens' surprisals", () =>
        opened(model, async (backend) => {
          const losses = await backend.losses(examples);
          for (const i of [0, 5, 10]) {
            const { ids, promptLength } = examples[i]!;
            const answer = ids.slice(promptLength);
            const rows = answer.map((_, t) => ids.slice(0, promptLength + t));
            const logs = await backend.score(rows, everyToken);
            const expected = answer.reduce((sum, token, t) => sum - logs.get(t)!.logProbabilities[token]!, 0);
            expect(Math.abs(losses[i]!.loss - expected)).toBeLessThan(1e-4 * answer.length);
            expect(losses[i]!.tokens).toBe(answer.length);
          }
        }));

      it("greedy answers as repeated scoring, whatever runs beside them", () =>
        opened(model, async (backend) => {
          const options = { maxNewTokens: 5, eosIds: [] };
          const answers = await backend.generate(prompts, { ...options, batchSize: 4 });
          for (const i of [0, 7, 18]) {
            let row = [...prompts[i]!];
            for (let t = 0; t < options.maxNewTokens; t++) {
              const { logProbabilities } = (await backend.score([row], everyToken)).get(0)!;
              row = [...row, logProbabilities.indexOf(Math.max(...logProbabilities))];
            }
            expect(answers.get(i)).toEqual({ ids: row.slice(prompts[i]!.length), ended: false });
          }
          // An answer ends where its end token would stand, also when others of its batch go on.
          const ends = [answers.get(7)!.ids[2]!];
          const ended = await backend.generate(prompts, { ...options, eosIds: ends });
          for (const [i, { ids }] of answers) {
            const end = ids.indexOf(ends[0]!);
            expect(ended.get(i)).toEqual(
              end < 0 ? { ids, ended: false } : { ids: ids.slice(0, end), ended: true },
            );
          }
        }));

      it("answers told as they grow, of which nothing is told or computed once they are unwanted", () =>
        opened(model, async (backend) => {
          const options = { maxNewTokens: 12, eosIds: [] };
          const whole = await backend.generate(prompts, options);
          const told = new Map<number, number[][]>();
          const onToken = (i: number, ids: readonly number[]) =>
            void told.set(i, [...(told.get(i) ?? []), [...ids]]);
          expect(await backend.generate(prompts, { ...options, onToken })).toEqual(whole);
          // Of several processes the first reports its own rows.
          const alone = (backend.about.processes ?? 1) === 1;
          if (alone) expect(told.size).toBe(prompts.length);
          expect(told.size).toBeGreaterThan(0);
          for (const [i, parts] of told) {
            const { ids } = whole.get(i)!;
            for (const [n, part] of parts.entries()) expect(part).toEqual(ids.slice(0, n + 1));
            expect(parts.length).toBeGreaterThanOrEqual(ids.length - 1);
          }
          // The token that ends an answer is none of its own.
          const varied = [...whole].find(([, { ids }]) => ids.some((id) => id !== ids[0]))!;
          const ends = [varied[1].ids.find((id) => id !== varied[1].ids[0])!];
          const seen: number[][] = [];
          const ended = await backend.generate([prompts[varied[0]]!], {
            ...{ maxNewTokens: 12, eosIds: ends },
            onToken: (_, ids) => void seen.push([...ids]),
          });
          expect(seen.flat()).not.toContain(ends[0]);
          expect(seen.at(-1)).toEqual(ended.get(0)!.ids);
          const [first] = prompts as [Tokens];
          let tokens = 0;
          let wanted = true;
          const work = backend.interruptible(
            () => {
              if (!wanted) throw new Error("unwanted");
            },
            () =>
              backend.generate([first], {
                ...{ maxNewTokens: 60, eosIds: [] },
                onToken(_, { length }) {
                  tokens = length;
                  wanted = length < 3;
                },
              }),
          );
          await expect(work).rejects.toThrow("unwanted");
          expect(tokens).toBe(3);
          // The backend answers as before.
          expect(await backend.generate([first], options)).toEqual(new Map([[0, whole.get(0)]]));
        }));

      it("the kernel of standardised features", () =>
        opened(model, async (backend) => {
          const features = (await backend.features(prompts, { layers: [2], pooling: "last" })).get(2)!;
          const { count, width, data } = features;
          const weights = Float32Array.from({ length: count }, (_, i) => (i < 12 ? 1 / 12 : 0));
          const kernel = await backend.kernel(features, weights);
          const column = (k: number) => Array.from({ length: count }, (_, i) => data[i * width + k]!);
          const weighted = (values: number[]) => values.reduce((sum, x, i) => sum + x * weights[i]!, 0);
          const centred = Array.from({ length: width }, (_, k) => {
            const values = column(k);
            const mean = weighted(values);
            return values.map((x) => x - mean);
          });
          const variances = centred.map((values) => weighted(values.map((x) => x * x)));
          const floor = (1e-6 * variances.reduce((sum, x) => sum + x, 0)) / width;
          for (const [i, j] of [
            [0, 0],
            [3, 11],
            [18, 2],
          ] as const) {
            const product = centred.reduce((sum, z, k) => sum + (z[i]! * z[j]!) / (variances[k]! + floor), 0);
            expect(Math.abs(kernel[i * count + j]! - product / width)).toBeLessThan(1e-3);
          }
        }));
    });

    conformanceOfNextTokens(opened);
    conformanceOfSites(opened);
    conformanceOfPrompts(opened);

    it("knows its model's extents", () =>
      opened("llama", async ({ shape, device }) => {
        expect(shape).toMatchObject({
          layers: 3,
          hiddenSize: 48,
          vocabularySize: vocabulary,
          contextLength: 256,
        });
        expect(shape.linears.map(({ name }) => name)).toContain("mlp.down_proj");
        expect(device).toMatch(/^\w+$/);
      }));

    it("measures nothing where nothing is asked", () =>
      opened("llama", async (backend) => {
        expect((await backend.score([], everyToken)).size).toBe(0);
        expect((await backend.generate([], { maxNewTokens: 3, eosIds: [] })).size).toBe(0);
        expect(await backend.losses([])).toEqual([]);
        const none = await backend.features([], { layers: [1], pooling: "last" });
        expect(none.get(1)!.count).toBe(0);
        const silent = await backend.generate(prompts.slice(0, 2), { maxNewTokens: 0, eosIds: [] });
        expect([...silent.values()]).toEqual([0, 1].map(() => ({ ids: [], ended: false })));
      }));

    it("fills a context to its last token", () =>
      opened("llama", async (backend) => {
        const long = Array.from({ length: 254 }, (_, i) => 3 + (i % 90));
        const found = await backend.generate([[5], long], { maxNewTokens: 3, eosIds: [] });
        expect([found.get(0)!.ids.length, found.get(1)!.ids.length]).toEqual([3, 2]);
      }));

    it("does not run batches that are known, and reports each that it ran", () =>
      opened("llama", async (backend) => {
        const all = await backend.score(prompts, everyToken);
        const whole: number[][] = [];
        await backend.score(prompts, everyToken, { onBatch: (found) => void whole.push([...found.keys()]) });
        expect(whole.flat().sort((a, b) => a - b)).toEqual([...prompts.keys()]);
        expect(whole.length).toBeGreaterThan(1);
        const kept = new Set(whole[0]);
        const seen: number[] = [];
        const rest = await backend.score(prompts, everyToken, {
          known: (index) => kept.has(index),
          onProgress: (done) => seen.push(done),
        });
        expect([...rest.keys()].some((index) => kept.has(index))).toBe(false);
        expect(rest.size).toBe(prompts.length - kept.size);
        for (const [index, score] of rest) expect(score).toEqual(all.get(index));
        expect(seen.at(-1)).toBe(prompts.length);
        expect(seen).toEqual([...seen].sort((a, b) => a - b));
        const answers = await backend.generate(prompts, { maxNewTokens: 2, eosIds: [], known: () => true });
        expect(answers.size).toBe(0);
      }));

    it("ends work that is cut off, an outer check and an inner one", () =>
      opened("llama", async (backend) => {
        let batches = 0;
        const work = () => backend.score(prompts, everyToken, { onBatch: () => void batches++ });
        const check = () => {
          if (batches === 1) throw new Error("enough");
        };
        await expect(backend.interruptible(check, work)).rejects.toThrow("enough");
        expect(batches).toBe(1);
        batches = 0;
        const nested = () => backend.interruptible(() => undefined, work);
        await expect(backend.interruptible(check, nested)).rejects.toThrow("enough");
        batches = 5;
        expect((await work()).size).toBe(prompts.length);
      }));

    it("refuses to give NaN", () =>
      opened("llama", async (backend) => {
        const { weights } = await loadModel(goldenPath("tiny", "llama"));
        const name = "model.layers.1.mlp.down_proj.weight";
        const { shape, data } = (await numbersOf(weights)).get(name)!;
        data[5] = Number.NaN;
        await backend.adopt({ method: "full", weights: new Map([[name, memoryTensor({ shape, data })]]) });
        const refused = expect.objectContaining({ code: "output-not-finite" });
        await expect(backend.score(prompts, everyToken)).rejects.toThrow(refused);
        await expect(backend.generate(prompts, { maxNewTokens: 2, eosIds: [] })).rejects.toThrow(refused);
        await expect(backend.losses(examples)).rejects.toThrow(refused);
        await expect(backend.features(prompts, { layers: [2], pooling: "mean" })).rejects.toThrow(refused);
      }));

    it("exports a model that measures the same when it is opened again", () =>
      opened("llama", async (backend) => {
        const loaded = await loadModel(goldenPath("tiny", "llama"));
        await trained(backend, { ...spec(batches[0]!), train: lora }, 2);
        const folder = `${tempFolder()}/exported`;
        await backend.export(folder, loaded);
        const again = await open(folder);
        expect(await again.losses(examples)).toEqual(await backend.losses(examples));
        await again.dispose();
      }));

    training(opened);
  });
}

const lora: TrainRecipe & { method: "lora" } = {
  method: "lora",
  rank: 4,
  alpha: 8,
  dropout: 0,
  targets: "all-linear",
};
const full: TrainRecipe & { method: "full" } = { method: "full", embeddings: false };
const ways: [string, TrainRecipe][] = [
  ["LoRA", lora],
  ["LoRA with dropout", { ...lora, dropout: 0.2 }],
  ["full training", { ...full, layers: [1, 3] }],
];

const answers = (of: readonly Example[], weight: number): AnswersBatch => ({
  kind: "answers",
  examples: of,
  maskPrompt: true,
  weight,
  shared: 3,
});
const labels = (of: readonly Example[]) =>
  of.reduce((sum, { ids, promptLength }) => sum + ids.length - promptLength, 0);
const batchOf = (from: number, to: number) => {
  const own = examples.slice(from, to);
  return answers(own, 1 / labels(own));
};
const batches = [batchOf(0, 4), batchOf(4, 8), batchOf(2, 6), batchOf(7, 11)];

function spec(batch: AnswersBatch | ContrastBatch): TrainerSpec {
  const optimiser = { betas: [0.9, 0.999] as [number, number], epsilon: 1e-8, weightDecay: 0.01 };
  return { train: lora, optimiser, seed: 1, kinds: [batch] };
}

/** So many steps of a trainer, each on the next of the batches; their losses. */
async function stepped(trainer: Trainer, count: number, from = 0): Promise<number[]> {
  const losses: number[] = [];
  for (let i = from; i < from + count; i++) {
    losses.push((await trainer.backward([batches[i % batches.length]!])).loss);
    await trainer.update(1e-2, 1);
  }
  return losses;
}

async function trained(backend: Backend, how: TrainerSpec, steps: number): Promise<Learned> {
  const trainer = await backend.createTrainer(how);
  await stepped(trainer, steps);
  return trainer.finish();
}

function training(opened: (model: string, use: (backend: Backend) => Promise<void>) => Promise<void>): void {
  describe.each(ways)("trains (%s)", (_, train) => {
    const own = { ...spec(batches[0]!), train };

    it("the same from a saved state, whatever was done after saving", () =>
      opened("llama", async (backend) => {
        const whole = await backend.createTrainer(own);
        const first = await stepped(whole, 3);
        const saved = await whole.save();
        const second = await stepped(whole, 3, 3);
        expect(Math.min(...second)).toBeLessThan(first[0]!);
        await whole.restore(saved, 3);
        expect(await stepped(whole, 3, 3)).toEqual(second);
        const learned = await whole.finish();
        await opened("llama", async (other) => {
          const resumed = await other.createTrainer(own);
          await resumed.restore(saved, 3);
          const soFar = await resumed.learned();
          expect(await stepped(resumed, 3, 3)).toEqual(second);
          expect(soFar).not.toEqual(learned);
          expect(await resumed.learned()).toEqual(learned);
          expect(await resumed.finish()).toEqual(learned);
          expect(await other.losses(examples)).toEqual(await backend.losses(examples));
        });
      }));

    it("so that what it learned can be adopted elsewhere, and stays when another stage is trained", () =>
      opened("llama", async (backend) => {
        const before = await backend.losses(examples);
        const trainer = await backend.createTrainer(own);
        await stepped(trainer, 3);
        const during = await backend.losses(examples);
        const learned = await trainer.finish();
        const after = await backend.losses(examples);
        expect(farthest(during, before)).toBeGreaterThan(1e-2);
        expect(farthest(after, during)).toBeLessThan(1e-3);
        const next = await trained(backend, { ...own, train: { ...lora, targets: ["up_proj"] }, seed: 2 }, 2);
        if (next.method !== "lora") throw new Error("a LoRA stage gave no adapter");
        expect([...next.adapter.modules.keys()].every((module) => module.endsWith("up_proj"))).toBe(true);
        await opened("llama", async (other) => {
          await other.adopt(learned);
          expect(farthest(await other.losses(examples), after)).toBeLessThan(1e-3);
          await other.adopt(next);
          expect(farthest(await other.losses(examples), await backend.losses(examples))).toBeLessThan(1e-3);
        });
      }));

    it("as a function of its seed", () =>
      opened("llama", async (backend) => {
        const losses = async (seed: number) => {
          const trainer = await backend.createTrainer({ ...own, seed });
          return stepped(trainer, 3);
        };
        const once = await losses(1);
        await opened("llama", async (other) => {
          const trainer = await other.createTrainer(own);
          expect(await stepped(trainer, 3)).toEqual(once);
        });
        await opened("llama", async (other) => {
          const trainer = await other.createTrainer({ ...own, seed: 2 });
          const others = await stepped(trainer, 3);
          if (train.method === "lora") expect(others).not.toEqual(once);
          else expect(others).toEqual(once);
        });
      }));

    it("refuses a saved state that is not its own, and keeps the one it has", () =>
      opened("llama", async (backend) => {
        const trainer = await backend.createTrainer(own);
        await stepped(trainer, 2);
        const saved = await trainer.save();
        const refused = expect.objectContaining({ code: "checkpoint-invalid" });
        const name = [...saved.keys()].at(-1)!;
        const lacking = new Map(saved);
        lacking.delete(name);
        await expect(trainer.restore(lacking, 2)).rejects.toThrow(refused);
        const other = new Map(saved).set(name, { shape: [1], data: new Float32Array(1) });
        await expect(trainer.restore(other, 2)).rejects.toThrow(refused);
        expect(await trainer.save()).toEqual(saved);
      }));
  });

  describe("a step", () => {
    it("adds up its passes, and moves nothing before it is told to", () =>
      opened("llama", async (backend) => {
        const two = [examples.slice(0, 4), examples.slice(4, 8)];
        const weight = 1 / labels(two.flat());
        const parts = two.map((part) => answers(part, weight));
        const whole = answers(two.flat(), weight);
        const trainer = await backend.createTrainer({ ...spec(whole), train: { ...full, embeddings: true } });
        const before = await trainer.save();
        const [one, both] = [await trainer.backward([whole]), await trainer.backward(parts)];
        expect(Math.abs(one.loss - both.loss)).toBeLessThan(1e-5);
        expect(Math.abs(one.gradientNorm / both.gradientNorm - 1)).toBeLessThan(1e-4);
        const measured = await backend.losses(two.flat());
        const mean = measured.reduce((sum, { loss }) => sum + loss, 0) * weight;
        expect(Math.abs(one.loss - mean)).toBeLessThan(1e-4);
        // A pass runs every token of its rows; what all begin with may run once.
        expect(both.tokens).toBeGreaterThanOrEqual(labels(two.flat()));
        expect(await trainer.save()).toEqual(before);
      }));

    it("weighs each example's gradient by its own factor", () =>
      opened("llama", async (backend) => {
        const own = examples.slice(2, 5);
        const factors = [0.5, -2, 1.5];
        const weighted = { ...answers(own, 0.1), weights: factors };
        const alone = own.map((example, i) => answers([example], 0.1 * factors[i]!));
        const optimiser = { betas: [0.9, 0.999] as [number, number], epsilon: 1, weightDecay: 0 };
        const trainer = await backend.createTrainer({ ...spec(weighted), train: full, optimiser });
        const before = await trainer.save();
        const together = await trainer.backward([weighted]);
        const measured = await backend.losses(own);
        const sum = measured.reduce((total, { loss }, i) => total + 0.1 * factors[i]! * loss, 0);
        expect(Math.abs(together.loss - sum)).toBeLessThan(1e-4);
        await trainer.update(1, 1);
        const after = await trainer.save();
        await trainer.restore(before, 0);
        const apart = await trainer.backward(alone);
        expect(Math.abs(apart.gradientNorm / together.gradientNorm - 1)).toBeLessThan(1e-4);
        await trainer.update(1, 1);
        for (const [name, { data }] of await trainer.save()) expectClose(data, after.get(name)!.data, 1e-5);
        // Left out, every factor is 1.
        await trainer.restore(before, 0);
        const [plain, ones] = [answers(own, 0.1), { ...answers(own, 0.1), weights: [1, 1, 1] }];
        expect(await trainer.backward([plain])).toEqual(await trainer.backward([ones]));
      }));

    it("that is cut off between its passes moves nothing, and is taken anew", () =>
      opened("llama", async (backend) => {
        const trainer = await backend.createTrainer(spec(batches[0]!));
        await stepped(trainer, 1);
        const before = await trainer.save();
        let asked = 0;
        const check = () => {
          if (asked++ === 1) throw new Error("enough");
        };
        const work = () => trainer.backward(batches.slice(0, 2));
        await expect(backend.interruptible(check, work)).rejects.toThrow("enough");
        expect(await trainer.save()).toEqual(before);
        const anew = await stepped(trainer, 2, 1);
        await trainer.restore(before, 1);
        expect(await stepped(trainer, 2, 1)).toEqual(anew);
      }));

    it("labels prompts too where they are not masked", () =>
      opened("llama", async (backend) => {
        const batch: AnswersBatch = { ...answers(examples.slice(0, 3), 1), maskPrompt: false, shared: 0 };
        const trainer = await backend.createTrainer(spec(batch));
        const rows = examples.slice(0, 3).map(({ ids }) => ({ ids, promptLength: 1 }));
        const expected = (await backend.losses(rows)).reduce((sum, { loss }) => sum + loss, 0);
        expect(Math.abs((await trainer.backward([batch])).loss - expected)).toBeLessThan(1e-3);
      }));

    /** With ε far above every gradient g, a first step of AdamW is −rate·scale·g/ε. */
    it("follows the gradient, clipped by the factor it is given", () =>
      opened("llama", async (backend) => {
        const batch = batches[0]!;
        const [epsilon, rate, scale] = [1e4, 10, 0.5];
        const optimiser = { betas: [0.9, 0.999] as [number, number], epsilon, weightDecay: 0 };
        const trainer = await backend.createTrainer({ ...spec(batch), train: full, optimiser });
        const before = await trainer.save();
        const { loss, gradientNorm } = await trainer.backward([batch]);
        await trainer.update(rate, scale);
        const after = await trainer.save();
        let squares = 0;
        for (const [name, { data }] of after) {
          if (name.startsWith("m.") || name.startsWith("v.")) continue;
          for (const [i, x] of data.entries()) squares += (x - before.get(name)!.data[i]!) ** 2;
        }
        const moved = (rate * scale * gradientNorm) / epsilon;
        expect(Math.abs(Math.sqrt(squares) / moved - 1)).toBeLessThan(1e-2);
        const fallen = loss - (await trainer.backward([batch])).loss;
        expect(Math.abs(fallen / (moved * gradientNorm) - 1)).toBeLessThan(0.1);
      }));

    it("decays weights by rate and weight decay alone where gradients are nothing", () =>
      opened("llama", async (backend) => {
        const batch = batches[0]!;
        const optimiser = { betas: [0.9, 0.999] as [number, number], epsilon: 1, weightDecay: 0.5 };
        const trainer = await backend.createTrainer({ ...spec(batch), train: full, optimiser });
        const before = await trainer.save();
        await trainer.backward([batch]);
        await trainer.update(0.1, 0);
        for (const [name, { data }] of await trainer.save()) {
          if (name.startsWith("m.") || name.startsWith("v.")) continue;
          expectClose(
            data,
            before.get(name)!.data.map((x) => x * 0.95),
            1e-6,
          );
        }
      }));
  });

  describe("an adapter", () => {
    it("begins with the values it is given, and changes nothing before the first step otherwise", () =>
      opened("llama", async (backend) => {
        const before = await backend.losses(examples);
        const learned = await trained(backend, spec(batches[0]!), 3);
        if (learned.method !== "lora") throw new Error("a LoRA stage gave no adapter");
        const after = await backend.losses(examples);
        await opened("llama", async (other) => {
          const plain = await other.createTrainer(spec(batches[0]!));
          expect(farthest(await other.losses(examples), before)).toBeLessThan(1e-4);
          await plain.finish();
          const trainer = await other.createTrainer({ ...spec(batches[0]!), initial: learned.adapter });
          expect(farthest(await other.losses(examples), after)).toBeLessThan(1e-3);
          expect(await trainer.finish()).toEqual(learned);
        });
      }));

    it("of a module that the model does not have is refused", () =>
      opened("llama", async (backend) => {
        const learned = await trained(backend, spec(batches[0]!), 1);
        if (learned.method !== "lora") throw new Error("a LoRA stage gave no adapter");
        const [[, module]] = learned.adapter.modules;
        const adapter = { modules: new Map([["model.layers.9.mlp.up_proj", module]]), baseModel: null };
        const before = await backend.losses(examples);
        await expect(backend.adopt({ method: "lora", adapter })).rejects.toMatchObject({
          code: "adapter-invalid",
        });
        expect(await backend.losses(examples)).toEqual(before);
      }));
  });

  describe("a stage refuses", () => {
    it.each<[string, TrainRecipe]>([
      ["modules that no block has", { ...lora, targets: ["q_proj", "w_qkv"] }],
      ["layers beyond the last", { ...lora, layers: [0, 4] }],
      ["no layers", { ...full, layers: [2, 2] }],
    ])("%s", (_, train) =>
      opened("llama", async (backend) => {
        const trainer = backend.createTrainer({ ...spec(batches[0]!), train });
        await expect(trainer).rejects.toMatchObject({ code: "recipe-invalid" });
      }),
    );

    it.each([lora, full])("layers that its batches do not reach (%j)", (train) =>
      opened("llama", async (backend) => {
        const how = {
          ...spec(contrast(backend, { layer: 1 })),
          train: { ...train, layers: [1, 3] as [number, number] },
        };
        await expect(backend.createTrainer(how)).rejects.toMatchObject({ code: "recipe-invalid" });
      }),
    );
  });

  describe.each(kinds)("a contrast on %s", (model) => {
    it.each(["last", "mean"] as const)(
      "separates the features that the backend gives, %s pooling",
      (pooling) =>
        opened(model, async (backend) => {
          const width = backend.shape.hiddenSize;
          const centre = Float32Array.from({ length: width }, (_, k) => 0.05 * Math.sin(k));
          const batch = contrast(backend, { pooling, centre });
          const ids = batch.prompts.map((prompt) => prompt.ids);
          const { layer, shared } = batch;
          const features = (await backend.features(ids, { layers: [layer], pooling, shared })).get(layer)!;
          const rows = ids.map((_, i) =>
            features.data.subarray(i * width, (i + 1) * width).map((x, k) => x - centre[k]!),
          );
          const trainer = await backend.createTrainer(spec(batch));
          const { metrics, loss } = await trainer.backward([batch]);
          expect(Object.keys(metrics)).toEqual(["separation"]);
          expect(
            Math.abs(
              metrics.separation! -
                gap(
                  rows,
                  batch.prompts.map(({ label }) => label),
                ),
            ),
          ).toBeLessThan(1e-4);
          expect(loss).toBeGreaterThan(0);
        }),
    );

    it.each(["distance", "kl"] as const)(
      "holds features back (%s), and moves only what lies below its layer",
      (type) =>
        opened(model, async (backend) => {
          const rows = examples.slice(0, 4).map(({ ids }) => ids.slice(0, 8));
          const positions = rows.map((row) => [row.length - 1, 4]);
          const layer = 2;
          const features = (
            await backend.features(rows, { layers: [layer], pooling: { positions }, shared: 3 })
          ).get(layer)!;
          const width = features.width;
          const anchors = rows.map((ids, i) => ({
            ids,
            positions: positions[i]!,
            features: features.data.slice(2 * i * width, 2 * (i + 1) * width),
          }));
          const batch = contrast(backend, { layer, retention: { type, weight: 2, anchors } });
          const train: TrainRecipe = { ...full, embeddings: true };
          const trainer = await backend.createTrainer({ ...spec(batch), train });
          const first = await trainer.backward([batch]);
          expect(Math.abs(first.metrics.retention!)).toBeLessThan(1e-5);
          await trainer.update(1e-2, 1);
          const second = await trainer.backward([batch]);
          expect(second.metrics.retention!).toBeGreaterThan(1e-5);
          expect(second.loss).toBeCloseTo(second.metrics.contrast! + 2 * second.metrics.retention!, 4);
          const learned = await trainer.finish();
          if (learned.method !== "full") throw new Error("full training gave no weights");
          const names = [...learned.weights.keys()];
          expect(names.filter((each) => !/^model\.(layers\.[01]\.|embed_tokens\.)/.test(each))).toEqual([]);
          expect(names).toContain("model.layers.1.mlp.up_proj.weight");
        }),
    );
  });
}

const recipe = stageSchema.parse({ type: "contrastive" });
if (recipe.type !== "contrastive") throw new Error("the recipe is of another stage");
const { loss } = recipe;

/** Pairs of prompts of like form with either label; all begin alike. */
function contrast({ shape }: Backend, own: Partial<ContrastBatch> = {}): ContrastBatch {
  const pairs = Array.from({ length: 4 }, (_, i) => {
    const words = Array.from({ length: 3 + (i % 3) }, (_, t) => 10 + ((11 * i + 7 * t) % 120));
    return [
      { ids: [3, 4, 5, ...words, 140, 6], label: "toxic" },
      { ids: [3, 4, 5, ...words, 141, 142, 6], label: "seemingly_toxic" },
    ];
  });
  const centre = new Float32Array(shape.hiddenSize);
  const prompts = pairs.flat();
  return {
    kind: "contrast",
    prompts,
    layer: 2,
    pooling: "last",
    centre,
    loss,
    retention: null,
    shared: 3,
    ...own,
  };
}

/** Mean cosine within the groups minus mean cosine across them, in float64. */
function gap(rows: readonly Float32Array[], labels: readonly string[]): number {
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, k) => sum + x * b[k]!, 0);
  const cosines = { within: [] as number[], across: [] as number[] };
  for (const [i, a] of rows.entries()) {
    for (const [j, b] of rows.slice(0, i).entries()) {
      cosines[labels[i] === labels[j] ? "within" : "across"].push(
        dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)),
      );
    }
  }
  const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  return mean(cosines.within) - mean(cosines.across);
}

function logSoftmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const lse = highest + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - highest), 0));
  return logits.map((z) => z - lse);
}

function farthest(a: readonly { loss: number }[], b: readonly { loss: number }[]): number {
  return Math.max(...a.map(({ loss }, i) => Math.abs(loss - b[i]!.loss)));
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  expect(Math.max(0, ...Array.from(actual, (x, i) => Math.abs(x - expected[i]!)))).toBeLessThan(tolerance);
}
