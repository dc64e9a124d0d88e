import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { causalAttention } from "../../src/engine/backend/onnx/decoder/attention.ts";
import { LiveModel } from "../../src/engine/backend/onnx/decoder/liveModel.ts";
import { ops } from "../../src/engine/backend/onnx/graph/ops.ts";
import { input } from "../../src/engine/backend/onnx/graph/tensor.ts";
import { indexVector } from "../../src/engine/backend/onnx/programs/packing.ts";
import { Device } from "../../src/engine/backend/onnx/runtime/device.ts";
import { encodePrompt, promptTemplate } from "../../src/engine/chat/template.ts";
import { type LoadedModel, loadModel } from "../../src/engine/model/load.ts";
import { realModelPath } from "../realModel.ts";
import { norm, readGolden } from "./golden.ts";

interface Expected {
  prompt: string;
  raw_ids: number[];
  chat_ids: number[];
  top_logprob_ids: number[];
  top_logprobs: number[];
  hidden_layer_15_last_first16: number[];
  hidden_norms_last: number[];
}

describe("SmolLM2", () => {
  const entries = readGolden<Expected[]>("smollm2.json");
  let loaded: LoadedModel;
  let model: LiveModel;
  beforeAll(async () => {
    loaded = await loadModel(await realModelPath());
    model = new LiveModel(await Device.open("cpu"), loaded.architecture, loaded.weights);
  });
  afterAll(() => model.dispose());

  it.each(entries)("token ids of: $prompt", async ({ prompt, raw_ids, chat_ids }) => {
    const { tokenizer } = loaded;
    expect(await tokenizer.encode(prompt)).toEqual(raw_ids);
    expect(await encodePrompt(tokenizer, promptTemplate(tokenizer), prompt)).toEqual(chat_ids);
  });

  it.each(entries)("hidden states and log-probabilities of: $prompt", async (expected) => {
    const { chat_ids: ids } = expected;
    const { layers } = model.architecture;
    const program = await model.program(`last token of ${ids.length}`, (decoder) => {
      const attention = causalAttention(model.architecture, { prefix: 0, batch: 1, length: ids.length });
      const last = input("last", [1], "int32");
      let state = decoder.embed(input("ids", [ids.length], "int32"));
      const states = [ops.gather(state, last)];
      for (let layer = 0; layer < layers; layer++) {
        state = decoder.blocks(state, layer, layer + 1, attention);
        states.push(ops.gather(state, last));
      }
      states[layers] = decoder.finalNorm(states[layers]);
      const logits = decoder.head().logits(states[layers]);
      const named = Object.fromEntries(states.map((each, i) => [`hidden.${i}`, each]));
      return { ...named, logProbabilities: ops.sub(logits, ops.logSumExp(logits)) };
    });
    const out = await model.run(program, { ids: indexVector(ids), last: indexVector([ids.length - 1]) });

    const logProbabilities = out.logProbabilities.data;
    for (const [i, id] of expected.top_logprob_ids.entries()) {
      expect(Math.abs(logProbabilities[id] - expected.top_logprobs[i])).toBeLessThan(2e-3);
    }
    for (const [i, value] of expected.hidden_layer_15_last_first16.entries()) {
      const close = 2e-3 * Math.max(1, Math.abs(value));
      expect(Math.abs(out["hidden.15"].data[i] - value), `feature ${i}`).toBeLessThan(close);
    }
    for (const [i, size] of expected.hidden_norms_last.entries()) {
      expect(Math.abs(norm(out[`hidden.${i}`].data) / size - 1), `hidden state ${i}`).toBeLessThan(1e-4);
    }
  });
});
