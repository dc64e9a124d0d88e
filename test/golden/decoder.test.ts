import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { causalAttention } from "../../src/engine/backend/onnx/decoder/attention.ts";
import { LiveModel } from "../../src/engine/backend/onnx/decoder/liveModel.ts";
import { gradients } from "../../src/engine/backend/onnx/graph/autodiff.ts";
import { ops } from "../../src/engine/backend/onnx/graph/ops.ts";
import { input } from "../../src/engine/backend/onnx/graph/tensor.ts";
import { crossEntropy } from "../../src/engine/backend/onnx/loss/crossEntropy.ts";
import { Device } from "../../src/engine/backend/onnx/runtime/device.ts";
import { Value } from "../../src/engine/backend/onnx/runtime/value.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { goldenPath, norm, readGolden } from "./golden.ts";

interface Expected {
  input_ids: number[][];
  labels: number[][];
  loss: number;
  logits_row0_last: number[];
  logits_row1_pos9: number[];
  hidden_states_row0_last: number[][];
  grad_norm: Record<string, number>;
}

const tiny = readdirSync(goldenPath("tiny"));
let device: Device;
beforeAll(async () => {
  device = await Device.open("cpu");
});

describe.each(tiny)("tiny/%s", (name) => {
  const expected = readGolden<Expected>("tiny", name, "expected.json");
  const [batch, length] = [expected.input_ids.length, expected.input_ids[0].length];
  const ids = input("ids", [batch * length], "int32");
  const feed = Value.of(Int32Array.from(expected.input_ids.flat()), [batch * length]);
  let model: LiveModel;
  beforeAll(async () => {
    const loaded = await loadModel(goldenPath("tiny", name));
    model = new LiveModel(device, loaded.architecture, loaded.weights);
  });
  afterAll(() => model.dispose());

  it("has the logits and hidden states of transformers", async () => {
    const { layers } = model.architecture;
    const program = await model.program("forward", (decoder) => {
      const attention = causalAttention(model.architecture, { prefix: 0, batch, length });
      const states = [decoder.embed(ids)];
      for (let layer = 0; layer < layers; layer++) {
        states.push(decoder.blocks(states[layer], layer, layer + 1, attention));
      }
      const normed = decoder.finalNorm(states[layers]);
      const named = Object.fromEntries(states.map((state, i) => [`hidden.${i}`, state]));
      return { ...named, [`hidden.${layers}`]: normed, logits: decoder.head().logits(normed) };
    });
    const out = await model.run(program, { ids: feed });
    const row = (value: Value, i: number) =>
      Array.from(value.data.subarray(i * value.shape[1], (i + 1) * value.shape[1]));
    expectClose(row(out.logits, length - 1), expected.logits_row0_last, 1e-4);
    expectClose(row(out.logits, length + 9), expected.logits_row1_pos9, 1e-4);
    expected.hidden_states_row0_last.forEach((state, i) => {
      expectClose(row(out[`hidden.${i}`], length - 1), state, 1e-4);
    });
  });

  it("has the loss and the gradient norms of PyTorch", async () => {
    // Position t predicts token t + 1, as transformers shifts them.
    const targets = expected.labels.flatMap((row, b) =>
      row.flatMap((label, t) => (t > 0 && label !== -100 ? [{ row: b * length + t - 1, label }] : [])),
    );
    const count = targets.length;
    const names: string[] = [];
    const program = await model.program("gradients", (decoder, parameters) => {
      const attention = causalAttention(model.architecture, { prefix: 0, batch, length });
      const rows = input("rows", [count], "int32");
      const hidden = decoder.finalNorm(
        decoder.blocks(decoder.embed(ids), 0, model.architecture.layers, attention, rows),
      );
      const labels = input("labels", [count], "int32");
      const weights = input("weights", [count]);
      const loss = crossEntropy(hidden, decoder.head(), labels, weights);
      const trained = parameters.all();
      const outputs = gradients(loss, trained).map((gradient, i) => {
        names.push(trained[i].name);
        return [trained[i].name, gradient ?? ops.mul(trained[i], 0)] as const;
      });
      return { loss, ...Object.fromEntries(outputs.map(([key, value]) => [`grad.${key}`, value])) };
    });
    const out = await model.run(program, {
      ids: feed,
      rows: Value.of(
        Int32Array.from(targets, (target) => target.row),
        [count],
      ),
      labels: Value.of(
        Int32Array.from(targets, (target) => target.label),
        [count],
      ),
      weights: Value.of(new Float32Array(count).fill(1 / count), [count]),
    });
    expect(Math.abs(out.loss.data[0] - expected.loss)).toBeLessThan(1e-5);
    expect(new Set(names)).toEqual(new Set(Object.keys(expected.grad_norm)));
    for (const [parameter, size] of Object.entries(expected.grad_norm)) {
      expect(Math.abs(norm(out[`grad.${parameter}`].data) / size - 1), parameter).toBeLessThan(1e-3);
    }
  });
});

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...actual.map((x, i) => Math.abs(x - expected[i])));
  expect(worst).toBeLessThan(tolerance);
}
