import { describe, expect, it } from "vitest";
import type { Backend } from "../../../src/engine/backend/backend.ts";
import { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../../src/engine/model/source.ts";
import { answerLoss } from "../../../src/engine/probe/answerLoss.ts";
import { generate } from "../../../src/engine/probe/generate.ts";
import { RefusalScorer } from "../../../src/engine/probe/refusal.ts";
import { inMemory, numbersOf } from "../model/numbers.ts";
import { tinyPath } from "../model/tiny.ts";

const prompts = [
  [3, 4, 5],
  [6, 7, 8, 9],
];

/** A model whose weights became NaN in memory, as an update too large leaves them. */
async function divergedModel(): Promise<Backend> {
  const source = await openModel(tinyPath("llama"));
  const numbers = await numbersOf(await source.weights());
  numbers.get("model.layers.1.mlp.down_proj.weight")!.data[5] = Number.NaN;
  return new OnnxBackend(
    new LiveModel(await Device.open("cpu", { threads: 1 }), source.architecture, inMemory(numbers)),
  );
}

describe("a model that computes NaN is refused by", () => {
  it.each<[string, (backend: Backend) => Promise<unknown>]>([
    ["the refusal score", (backend) => new RefusalScorer(backend, [[5, 6]]).score(prompts)],
    ["generation", (backend) => generate(backend, prompts, { maxNewTokens: 2, eosIds: [] })],
    ["features", (backend) => backend.features(prompts, { layers: [2], pooling: "last" })],
    [
      "the loss of answers",
      (backend) =>
        answerLoss(
          backend,
          prompts.map((ids) => ({ ids, promptLength: 2 })),
        ),
    ],
  ])("%s", async (_name, ask) => {
    const backend = await divergedModel();
    await expect(ask(backend)).rejects.toThrow(expect.objectContaining({ code: "output-not-finite" }));
    await backend.dispose();
  });
});
