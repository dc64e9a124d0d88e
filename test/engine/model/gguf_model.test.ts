import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inverseFrequencies } from "../../../src/engine/model/architecture.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { tempFolder } from "../../temp_folder.ts";
import { ggufFile, ggufMetadata, ggufTensors, type RawTensor, type Typed } from "./gguf_file.ts";
import { ggufFamilies, tinyPath } from "./tiny.ts";

async function writeGguf(
  tiny: string,
  change: { metadata?: Record<string, Typed>; tensors?: Record<string, RawTensor>; without?: string } = {},
) {
  const model = await loadModel(tinyPath(tiny));
  const path = join(tempFolder(), `${tiny}.gguf`);
  const tensors = { ...ggufTensors(model.weights, model.architecture), ...change.tensors };
  if (change.without) delete tensors[change.without];
  writeFileSync(path, ggufFile({ ...ggufMetadata(model.architecture), ...change.metadata }, tensors));
  return { model, path };
}

describe("a model written as GGUF", () => {
  it.each(ggufFamilies)("%s is read as from its Hugging Face folder", async (tiny) => {
    const { model, path } = await writeGguf(tiny);
    const read = await loadModel(path);
    expect(read.format).toBe("gguf");
    expect(read.architecture).toEqual(model.architecture);
    expect([...read.weights.keys()]).toEqual([...model.weights.keys()]);
    for (const [parameter, { shape, data }] of model.weights) {
      const found = read.weights.get(parameter)!;
      expect(found.shape, parameter).toEqual(shape);
      // Gemma's norms were stored plus one, which rounds.
      const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - found.data[i]!)), 0);
      expect(worst, parameter).toBeLessThanOrEqual(tiny === "gemma2" ? 2e-7 : 0);
    }
    expect(read.config.eos_token_id).toEqual([2, 5]);
  });

  it("untied embeddings and biases are kept, the biases of queries and keys un-permuted", async () => {
    const { model, path } = await writeGguf("llama_untied_bias");
    const read = await loadModel(path);
    expect(read.architecture).toEqual(model.architecture);
    for (const [name, { data }] of model.weights) expect(read.weights.get(name)!.data, name).toEqual(data);
  });

  it("Llama 3's RoPE scaling is found again from its factors", async () => {
    const { architecture } = await loadModel(tinyPath("llama3_rope"));
    const scaling = { ...architecture.rope.scaling!, originalContextLength: 8192 };
    const stretched = inverseFrequencies({
      rope: { ...architecture.rope, scaling } as typeof architecture.rope,
    });
    const plain = inverseFrequencies({ rope: { ...architecture.rope, scaling: null } });
    const factors = Float32Array.from(stretched, (f, i) => plain[i]! / f);
    const rope_freqs = { shape: [factors.length], type: 0, bytes: new Uint8Array(factors.buffer) };
    const { path } = await writeGguf("llama3_rope", {
      tensors: { "rope_freqs.weight": rope_freqs },
    });
    expect((await loadModel(path)).architecture.rope.scaling).toEqual(scaling);
  });

  it.each([
    [
      "an unknown architecture",
      { metadata: { "general.architecture": { text: "mamba" } } },
      "architecture-unsupported",
    ],
    ["yarn", { metadata: { "llama.rope.scaling.type": { text: "yarn" } } }, "architecture-unsupported"],
    ["a missing size", { metadata: { "llama.block_count": { text: "three" } } }, "model-invalid"],
    ["a missing tensor", { without: "blk.1.ffn_up.weight" }, "weights-invalid"],
    [
      "a tensor of another shape",
      { tensors: { "output_norm.weight": { shape: [47], type: 0, bytes: new Uint8Array(188) } } },
      "weights-invalid",
    ],
    [
      "a tensor that is not the architecture's",
      { tensors: { "blk.0.surprise.weight": { shape: [4], type: 0, bytes: new Uint8Array(16) } } },
      "weights-invalid",
    ],
  ] as const)("with %s is refused", async (_name, change, code) => {
    const { path } = await writeGguf("llama", change);
    const attempt = loadModel(path);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code }));
    await expect(attempt).rejects.toThrow(path);
  });
});
