import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend, Generation } from "../../src/engine/backend/backend.ts";
import { LiveModel } from "../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../src/engine/backend/onnx/runtime/device.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { generate } from "../../src/engine/probe/generate.ts";
import { realModelPath } from "../realModel.ts";
import { goldenPath, readGolden } from "./golden.ts";

let device: Device;
beforeAll(async () => {
  device = await Device.open("cpu");
});

/** What is expected of an answer that PyTorch gave, which holds the token that ended it. */
function answer(ids: readonly number[], eosIds: readonly number[]): Generation {
  const end = ids.findIndex((id) => eosIds.includes(id));
  return { ids: end < 0 ? [...ids] : ids.slice(0, end), ended: end >= 0 };
}

/** End tokens with which these answers end at unlike places, so that a batch of them shrinks step by step. */
function endsApart(answers: readonly (readonly number[])[], eosIds: readonly number[]): number[] {
  let ends = [...eosIds];
  const places = () => new Set(answers.map((ids) => answer(ids, ends).ids.length)).size;
  for (const id of new Set(answers.flat())) {
    const [before, now] = [ends, places()];
    ends = [...ends, id];
    if (places() <= now) ends = before;
  }
  return ends;
}

describe.each(readdirSync(goldenPath("tiny")))("tiny/%s", (name) => {
  const { input_ids, greedy } = readGolden<{ input_ids: number[][]; greedy: number[] }>(
    "tiny",
    name,
    "expected.json",
  );
  const options = { maxNewTokens: greedy.length, eosIds: [] };
  let backend: Backend;
  beforeAll(async () => {
    const loaded = await loadModel(goldenPath("tiny", name));
    backend = new OnnxBackend(new LiveModel(device, loaded.architecture, loaded.weights));
  });
  afterAll(() => backend.dispose());

  it("continues as transformers does", async () => {
    expect(await generate(backend, [input_ids[0]], options)).toEqual([{ ids: greedy, ended: false }]);
  });

  it("answers a prompt alike alone and among others of other lengths", async () => {
    const prompts = [
      input_ids[0],
      input_ids[1].slice(0, 3),
      input_ids[1].slice(0, 10),
      input_ids[0].slice(0, 9),
      input_ids[1].slice(5, 6),
    ];
    const alone = [];
    for (const prompt of prompts) alone.push(...(await generate(backend, [prompt], options)));
    expect(await generate(backend, prompts, options)).toEqual(alone);
    expect(await generate(backend, prompts, { ...options, batchSize: 2 })).toEqual(alone);
    // Behind tokens that all begin with, which run once.
    const behind = prompts.map((prompt) => [...input_ids[1], ...prompt]);
    const aloneBehind = [];
    for (const prompt of behind) aloneBehind.push(...(await generate(backend, [prompt], options)));
    expect(await generate(backend, behind, options)).toEqual(aloneBehind);
  });
});

describe("SmolLM2", () => {
  const expected = readGolden<{ chat_ids: number[]; greedy_ids: number[] }[]>("smollm2.json");
  const prompts = expected.map(({ chat_ids }) => chat_ids);
  // An answer that ended is shorter.
  const maxNewTokens = Math.max(...expected.map(({ greedy_ids }) => greedy_ids.length));
  let backend: Backend;
  let eosIds: readonly number[];
  beforeAll(async () => {
    const loaded = await loadModel(await realModelPath());
    backend = new OnnxBackend(new LiveModel(device, loaded.architecture, loaded.weights));
    ({ eosIds } = loaded.tokenizer);
  });
  afterAll(() => backend.dispose());

  it("answers prompts as transformers does", async () => {
    const answers = await generate(backend, prompts, { maxNewTokens, eosIds });
    expect(answers).toEqual(expected.map(({ greedy_ids }) => answer(greedy_ids, eosIds)));
  });

  it("ends each answer by itself, while the others go on", async () => {
    const ends = endsApart(
      expected.map(({ greedy_ids }) => greedy_ids),
      eosIds,
    );
    const reported: number[] = [];
    const answers = await generate(backend, prompts, {
      maxNewTokens,
      eosIds: ends,
      onProgress: (done) => reported.push(done),
    });
    const cut = expected.map(({ greedy_ids }) => answer(greedy_ids, ends));
    expect(new Set(cut.map(({ ids }) => ids.length)).size).toBeGreaterThanOrEqual(
      Math.min(3, prompts.length),
    );
    expect(answers).toEqual(cut);
    expect(reported.at(-1)).toBe(prompts.length);
    expect(reported).toEqual([...reported].sort((a, b) => a - b));
  });
});
