import { expect, it } from "vitest";
import { LiveModel } from "../../src/engine/backend/onnx/decoder/liveModel.ts";
import { gradients } from "../../src/engine/backend/onnx/graph/autodiff.ts";
import type { Tensor } from "../../src/engine/backend/onnx/graph/tensor.ts";
import { OnnxBackend } from "../../src/engine/backend/onnx/onnxBackend.ts";
import { contrastPass } from "../../src/engine/backend/onnx/programs/contrast.ts";
import { Device } from "../../src/engine/backend/onnx/runtime/device.ts";
import { PromptEncoder } from "../../src/engine/chat/encoding.ts";
import { promptTemplate } from "../../src/engine/chat/template.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { ContrastiveObjective } from "../../src/engine/train/contrastive.ts";
import { realModelPath } from "../realModel.ts";
import { norm, readGolden } from "./golden.ts";

interface Expected {
  prompts: string[];
  labels: number[];
  layer: number;
  loss: number;
  grad_norm: Record<string, number>;
}

it("has PyTorch's circle loss at a layer of SmolLM2, and its gradient norms below", {
  timeout: 300_000,
}, async () => {
  const expected = readGolden<Expected>("dcr.json");
  const loaded = await loadModel(await realModelPath());
  const model = new LiveModel(await Device.open("cpu"), loaded.architecture, loaded.weights);
  const encoder = new PromptEncoder(loaded.tokenizer, promptTemplate(loaded.tokenizer));
  const ids = await encoder.prompts(expected.prompts);
  const prompts = ids.map((each, i) => ({
    ids: each,
    label: expected.labels[i] ? ("toxic" as const) : ("seemingly_toxic" as const),
  }));
  const objective = await ContrastiveObjective.create(new OnnxBackend(model), prompts, [], {
    layer: expected.layer,
    seed: 0,
    center: false,
    pooling: "last",
    loss: { type: "circle", form: "global", margin: 0.25, gamma: 32 },
    sampler: { batch: prompts.length, twins: false },
    retention: { type: "none", weight: 0, batch: 8 },
    stop: {},
  });
  const pass = contrastPass(objective.batches(0)[0], null);
  const program = await model.program("golden", (decoder, parameters) => {
    const { loss } = pass.build(decoder);
    const read = parameters.all();
    const found = gradients(loss, read).map((gradient, i) => [`grad.${read[i].name}`, gradient as Tensor]);
    return { loss, ...Object.fromEntries(found) };
  });
  const out = await model.run(program, pass.feeds);
  // Everything below the layer and nothing above it is part of the graph.
  expect(new Set(Object.keys(out).map((name) => name.replace("grad.", "")))).toEqual(
    new Set(["loss", ...Object.keys(expected.grad_norm)]),
  );
  expect(Math.abs(out.loss.data[0] - expected.loss)).toBeLessThan(1e-4);
  // PyTorch gives the embedding of the padding token no gradient. In SmolLM2 that token is <|im_end|>, which stands in
  // every prompt; we train it like any other, so its row is left out of the comparison alone.
  const { padId } = loaded.tokenizer;
  const embedding = out["grad.model.embed_tokens.weight"];
  embedding.data.fill(0, padId * embedding.shape[1], (padId + 1) * embedding.shape[1]);
  for (const [name, size] of Object.entries(expected.grad_norm)) {
    expect(Math.abs(norm(out[`grad.${name}`].data) / size - 1), name).toBeLessThan(5e-3);
  }
  await model.dispose();
});
