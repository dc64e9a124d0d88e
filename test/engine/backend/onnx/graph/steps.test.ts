import { describe, expect, it } from "vitest";
import { causalAttention } from "../../../../../src/engine/backend/onnx/decoder/attention.ts";
import { Decoder } from "../../../../../src/engine/backend/onnx/decoder/decoder.ts";
import { ParameterInputs } from "../../../../../src/engine/backend/onnx/decoder/parameters.ts";
import { anonymous } from "../../../../../src/engine/backend/onnx/graph/cut.ts";
import { ops } from "../../../../../src/engine/backend/onnx/graph/ops.ts";
import { inputsOf, stepsOf } from "../../../../../src/engine/backend/onnx/graph/steps.ts";
import { input, type Tensor } from "../../../../../src/engine/backend/onnx/graph/tensor.ts";
import { parameterShapes } from "../../../../../src/engine/model/architecture.ts";
import { architectureFromConfig } from "../../../../../src/engine/model/architectureFromConfig.ts";
import { tinyConfig } from "../../../model/tiny.ts";

/** The steps of a loss on the last block's features, with the gradient of the first block's down projection. */
function steps(family: string, layers: number) {
  const config = { ...tinyConfig(family), num_hidden_layers: layers };
  const a = architectureFromConfig("layer_types" in config ? { ...config, layer_types: undefined } : config);
  const parameters = new ParameterInputs(parameterShapes(a));
  const decoder = new Decoder(a, parameters);
  const layout = { prefix: 2, batch: 2, length: 8 };
  const x = decoder.embed(input("ids", [18], "int32"));
  const hidden = decoder.blocks(x, 0, layers, causalAttention(a, layout));
  const loss = ops.sumSquare(decoder.finalNorm(hidden), [0, 1]);
  const wrt = new Map<string, Tensor>([["w", parameters.get("model.layers.0.mlp.down_proj.weight")]]);
  const derive = (found: ReadonlyMap<string, Tensor | null>) =>
    Object.fromEntries(found) as Record<string, Tensor>;
  return stepsOf({ loss }, decoder.cuts, { loss, wrt, derive });
}

describe("a decoder's steps", () => {
  it("read the weights of one block each, forward in order and backward in reverse", () => {
    const layersRead = steps("llama", 4).map((step) => {
      const names = inputsOf(step).map(({ name }) => /^model\.layers\.(\d+)\./.exec(name)?.[1]);
      return [...new Set(names.filter((name) => name !== undefined))].join();
    });
    expect(layersRead).toEqual(["", "0", "1", "2", "3", "", "3", "2", "1", "0"]);
  });

  it.each([
    ["llama", 5],
    ["gemma2", 7],
  ])("of %s are %i graphs, whatever the number of blocks", (family, graphs) => {
    const keys = (layers: number) =>
      new Set(steps(family, layers).map(({ outputs }) => anonymous(outputs, ({ data }) => data.join()).key));
    expect(keys(12).size).toBe(graphs);
    expect(keys(4)).toEqual(keys(12));
  });
});
