import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../../../src/engine/backend/backend.ts";
import { causalAttention } from "../../../../../src/engine/backend/onnx/decoder/attention.ts";
import { LiveModel } from "../../../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { input } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { klRetention } from "../../../../../src/engine/backend/onnx/loss/retention.ts";
import { OnnxBackend } from "../../../../../src/engine/backend/onnx/onnxBackend.ts";
import { indexVector } from "../../../../../src/engine/backend/onnx/programs/packing.ts";
import { Device } from "../../../../../src/engine/backend/onnx/runtime/device.ts";
import { Value } from "../../../../../src/engine/backend/onnx/runtime/value.ts";
import { loadModel } from "../../../../../src/engine/model/load.ts";
import type { Parameter } from "../../../../../src/engine/model/weights.ts";
import { answerLoss } from "../../../../../src/engine/probe/answerLoss.ts";
import { generate } from "../../../../../src/engine/probe/generate.ts";
import { RefusalScorer } from "../../../../../src/engine/probe/refusal.ts";
import { numbersOf } from "../../../model/numbers.ts";
import { tinyPath } from "../../../model/tiny.ts";

/**
 * Every reader of logits, held to the formula written plainly in float64: z = c·tanh(scale·h·Wᵀ/c). Hidden states are
 * the engine's own; that these are right is held by the golden values.
 */
describe.each([
  ["llama", 0.13],
  ["llama_untied_bias", 7],
  ["gemma2", 0.13],
])("%s with logits scaled by %d", (name, scale) => {
  const ids = [4, 90, 17, 33, 121, 60, 8, 77];
  let model: LiveModel;
  let backend: Backend;
  let weights: Map<string, Parameter>;
  let softcap: number | null;
  beforeAll(async () => {
    const loaded = await loadModel(tinyPath(name));
    weights = await numbersOf(loaded.weights);
    softcap = loaded.architecture.logits.softcap && 2.5;
    const architecture = { ...loaded.architecture, logits: { scale, softcap } };
    model = new LiveModel(await Device.open("cpu", { threads: 1 }), architecture, loaded.weights);
    backend = new OnnxBackend(model);
  });
  afterAll(() => model.dispose());

  /** Normed hidden states (T, C) of one row of tokens. */
  async function hiddenStates(row: readonly number[]): Promise<number[][]> {
    const length = row.length;
    const program = await model.program(`hidden ${length}`, (decoder) => {
      const attention = causalAttention(model.architecture, { prefix: 0, batch: 1, length });
      const x = decoder.embed(input("ids", [length], "int32"));
      return { hidden: decoder.finalNorm(decoder.blocks(x, 0, model.architecture.layers, attention)) };
    });
    const { data } = (await model.run(program, { ids: indexVector(row) })).hidden;
    return rowsOf(data, model.architecture.hiddenSize);
  }

  /** log p of every token after a hidden state, in float64. */
  function logProbabilities(hidden: readonly number[]): number[] {
    const { tiedEmbeddings, hiddenSize } = model.architecture;
    const { data } = weights.get(tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight")!;
    const logits = rowsOf(data, hiddenSize).map((w) => {
      const z = scale * w.reduce((sum, x, k) => sum + x * hidden[k], 0);
      return softcap === null ? z : softcap * Math.tanh(z / softcap);
    });
    const highest = Math.max(...logits);
    const lse = highest + Math.log(logits.reduce((sum, z) => sum + Math.exp(z - highest), 0));
    return logits.map((z) => z - lse);
  }

  async function continued(row: readonly number[]): Promise<number[][]> {
    return (await hiddenStates(row)).map(logProbabilities);
  }

  it("all logits", async () => {
    const program = await model.program("logits", (decoder) => ({
      logits: decoder.head().logits(input("hidden", [1, model.architecture.hiddenSize])),
    }));
    const [hidden] = (await hiddenStates(ids)).slice(-1);
    const { data } = (
      await model.run(program, { hidden: Value.of(Float32Array.from(hidden), [1, hidden.length]) })
    ).logits;
    const expected = logProbabilities(hidden);
    const lse = Math.log(data.reduce((sum, z) => sum + Math.exp(z), 0));
    expect(
      greatestDifference(
        Array.from(data, (z) => z - lse),
        expected,
      ),
    ).toBeLessThan(1e-5);
  });

  it("the loss of an answer", async () => {
    const loss = await answerLoss(backend, [{ ids, promptLength: 3 }]);
    const logs = await continued(ids);
    const expected = -ids.slice(3).reduce((sum, id, i) => sum + logs[2 + i][id], 0) / (ids.length - 3);
    expect(loss).toBeCloseTo(expected, 5);
  });

  it("the scores of openings", async () => {
    const openings = [[7, 20], [7, 31, 5], [44]];
    const [{ probability }] = await new RefusalScorer(backend, openings).score([ids]);
    let expected = 0;
    for (const opening of openings) {
      const logs = (await continued([...ids, ...opening])).slice(ids.length - 1);
      expected += Math.exp(opening.reduce((sum, id, t) => sum + logs[t][id], 0));
    }
    expect(probability / expected).toBeCloseTo(1, 4);
  });

  it("the tokens and logits of a greedy continuation", async () => {
    const [{ ids: answer }] = await generate(backend, [ids], { maxNewTokens: 6, eosIds: [] });
    const logs = (await continued([...ids, ...answer])).slice(ids.length - 1, -1);
    expect(answer).toEqual(logs.map((row) => row.indexOf(Math.max(...row))));
  });

  it("the entropy of the first answer token", async () => {
    const trie = { nodes: [{ parent: -1, token: 7, depth: 1 }], edges: [{ parent: -1, token: 7, child: 0 }] };
    const found = await backend.score([ids, ids.slice(0, 3)], trie, { entropy: true });
    for (const [i, row] of [ids, ids.slice(0, 3)].entries()) {
      const logs = (await continued(row)).at(-1)!;
      const expected = -logs.reduce((sum, log) => sum + Math.exp(log) * log, 0);
      expect(found.get(i)!.entropy! / expected).toBeCloseTo(1, 4);
    }
  });

  it("the divergence that a lens sees", async () => {
    const width = model.architecture.hiddenSize;
    const now = Float32Array.from({ length: 2 * width }, (_, i) => Math.sin(i));
    const before = Float32Array.from({ length: 2 * width }, (_, i) => Math.cos(3 * i));
    const program = await model.program("lens", (decoder) => {
      const lens = (which: string) => decoder.lens(input(which, [2, width]));
      return { divergence: klRetention(lens("now"), lens("before"), input("weights", [2])) };
    });
    const { divergence } = await model.run(program, {
      now: Value.of(now, [2, width]),
      before: Value.of(before, [2, width]),
      weights: Value.of(Float32Array.of(0.25, 0.75), [2]),
    });
    const read = (features: Float32Array) =>
      rowsOf(features, width).map((row) => logProbabilities(finalNorm(row)));
    const [p, q] = [read(before), read(now)];
    const expected = [0.25, 0.75].reduce(
      (sum, weight, i) => sum + weight * p[i].reduce((kl, log, v) => kl + Math.exp(log) * (log - q[i][v]), 0),
      0,
    );
    expect(divergence.data[0] / expected).toBeCloseTo(1, 4);
  });

  function finalNorm(h: readonly number[]): number[] {
    const { epsilon, offset } = model.architecture.norm;
    const { data } = weights.get("model.norm.weight")!;
    const rms = Math.sqrt(h.reduce((sum, x) => sum + x * x, 0) / h.length + epsilon);
    return h.map((x, k) => (x / rms) * (data[k] + offset));
  }
});

function rowsOf(data: Float32Array, width: number): number[][] {
  return Array.from({ length: data.length / width }, (_, i) =>
    Array.from(data.subarray(i * width, (i + 1) * width)),
  );
}

function greatestDifference(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((x, i) => Math.abs(x - b[i])));
}
