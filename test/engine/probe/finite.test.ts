import { describe, expect, it } from "vitest";
import { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { Device } from "../../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../../src/engine/model/source.ts";
import { answerLoss } from "../../../src/engine/probe/answerLoss.ts";
import { promptFeatures } from "../../../src/engine/probe/features.ts";
import { generate } from "../../../src/engine/probe/generate.ts";
import { RefusalScorer } from "../../../src/engine/probe/refusal.ts";
import { tinyPath } from "../model/tiny.ts";

const prompts = [
  [3, 4, 5],
  [6, 7, 8, 9],
];

/** A model whose weights became NaN in memory, as an update too large leaves them. */
async function divergedModel(): Promise<LiveModel> {
  const source = await openModel(tinyPath("llama"));
  const weights = await source.readWeights();
  weights.get("model.layers.1.mlp.down_proj.weight")!.data[5] = Number.NaN;
  return new LiveModel(await Device.open("cpu", { threads: 1 }), source.architecture, weights);
}

describe("a model that computes NaN is refused by", () => {
  it.each<[string, (model: LiveModel) => Promise<unknown>]>([
    ["the refusal score", (model) => new RefusalScorer(model, 0, [[5, 6]]).score(prompts)],
    ["generation", (model) => generate(model, prompts, { maxNewTokens: 2, eosIds: [] })],
    ["features", (model) => promptFeatures(model, prompts, [2], 0)],
    [
      "the loss of answers",
      (model) =>
        answerLoss(
          model,
          prompts.map((ids) => ({ ids, promptLength: 2 })),
          0,
        ),
    ],
  ])("%s", async (_name, ask) => {
    const model = await divergedModel();
    await expect(ask(model)).rejects.toThrow(expect.objectContaining({ code: "output-not-finite" }));
    await model.dispose();
  });
});
