import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { inspectModel, loadModel } from "../../../../src/engine/model/load.ts";
import { inverseFrequencies } from "../../../../src/engine/model/rope.ts";
import { tempFolder } from "../../../tempFolder.ts";
import { ggufFile, ggufMetadata, ggufTensors, type RawTensor, type Typed } from "../ggufFile.ts";
import { numbersOf } from "../numbers.ts";
import { ggufFamilies, tinyPath } from "../tiny.ts";

async function writeGguf(
  tiny: string,
  change: {
    metadata?: Record<string, Typed>;
    tensors?: Record<string, RawTensor>;
    without?: string;
    leave?: string;
  } = {},
) {
  const model = await loadModel(tinyPath(tiny));
  const path = join(tempFolder(), `${tiny}.gguf`);
  const tensors = { ...ggufTensors(await numbersOf(model.weights), model.architecture), ...change.tensors };
  if (change.without) delete tensors[change.without];
  const metadata = { ...ggufMetadata(model.architecture), ...change.metadata };
  if (change.leave) delete metadata[change.leave];
  writeFileSync(path, ggufFile(metadata, tensors));
  return { model, path };
}

describe("a model written as GGUF", () => {
  it.each(ggufFamilies)("%s is read as from its Hugging Face folder", async (tiny) => {
    const { model, path } = await writeGguf(tiny);
    const read = await loadModel(path);
    expect(read.format).toBe("gguf");
    expect(read.architecture).toEqual(model.architecture);
    expect([...read.weights.keys()]).toEqual([...model.weights.keys()]);
    const numbers = await numbersOf(read.weights);
    for (const [parameter, { shape, data }] of await numbersOf(model.weights)) {
      const found = numbers.get(parameter)!;
      expect(found.shape, parameter).toEqual(shape);
      // Gemma's norms were stored plus one, which rounds.
      const worst = data.reduce((most, value, i) => Math.max(most, Math.abs(value - found.data[i]!)), 0);
      expect(worst, parameter).toBeLessThanOrEqual(model.architecture.norm.offset === 1 ? 2e-7 : 0);
    }
    expect(read.config.eos_token_id).toEqual([2, 5]);
  });

  it("untied embeddings and biases are kept, the biases of queries and keys un-permuted", async () => {
    const { model, path } = await writeGguf("llama_untied_bias");
    const read = await loadModel(path);
    expect(read.architecture).toEqual(model.architecture);
    expect(await numbersOf(read.weights)).toEqual(await numbersOf(model.weights));
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

  it("a scaling factor without a type is linear, as in llama.cpp", async () => {
    const scalingOf = async (metadata: Record<string, Typed>) => {
      const { path } = await writeGguf("llama", { metadata });
      return (await loadModel(path)).architecture.rope.scaling;
    };
    expect(await scalingOf({ "llama.rope.scaling.factor": { f32: 4 } })).toEqual({
      type: "linear",
      factor: 4,
    });
    expect(await scalingOf({ "llama.rope.scale_linear": { f32: 2 } })).toEqual({ type: "linear", factor: 2 });
    expect(await scalingOf({ "llama.rope.scaling.factor": { f32: 0 } })).toBeNull();
    expect(
      await scalingOf({
        "llama.rope.scaling.type": { text: "none" },
        "llama.rope.scaling.factor": { f32: 4 },
      }),
    ).toBeNull();
  });

  it("gemma 2 slides by 4096 where its file does not say", async () => {
    const { path, model } = await writeGguf("gemma2", { leave: "gemma2.attention.sliding_window" });
    expect(model.architecture.attention.windows).toEqual([8, null, 8]);
    expect((await loadModel(path)).architecture.attention.windows).toEqual([4096, null, 4096]);
  });

  it("granite's factors of nothing are left out, as in llama.cpp", async () => {
    const { path } = await writeGguf("granite", {
      metadata: {
        "granite.attention.scale": { f32: 0 },
        "granite.embedding_scale": { f32: 0 },
        "granite.residual_scale": { f32: 0 },
      },
    });
    const { architecture } = await loadModel(path);
    expect(architecture).toMatchObject({ embeddingScale: 1, residualScale: 1, logits: { scale: 0.25 } });
    expect(architecture.attention.scale).toBeCloseTo(12 ** -0.5, 6);
    const without = await writeGguf("granite", { leave: "granite.logit_scale" });
    await expect(loadModel(without.path)).rejects.toThrow(/lacks granite\.logit_scale/);
  });

  it("warns of metadata that is ignored", async () => {
    const { path } = await writeGguf("llama", {
      metadata: {
        "llama.attention.sliding_window": { u32: 7 },
        "llama.later.setting": { u32: 1 },
        "llama.vocab_size": { u32: 160 },
        "llama.expert_count": { u32: 0 },
        "general.name": { text: "x" },
      },
    });
    const { warnings, architecture } = await loadModel(path);
    expect(architecture.attention.windows).toEqual([null, null, null]);
    expect(warnings).toEqual([
      expect.stringMatching(/llama\.attention\.sliding_window 7 is ignored/),
      expect.stringMatching(/Unknown metadata is ignored: llama\.later\.setting\./),
    ]);
  });

  it.each<[string, string, Record<string, Typed>, RegExp]>([
    ["llama", "experts", { "llama.expert_count": { u32: 8 } }, /llama\.expert_count 8/],
    ["llama", "a scale of attention", { "llama.attention.scale": { f32: 0.5 } }, /attention\.scale 0\.5/],
    ["llama", "a scale of logits", { "llama.logit_scale": { f32: 0.5 } }, /logit_scale 0\.5/],
    [
      "llama",
      "attention both ways",
      { "llama.attention.causal": { bool: false } },
      /attention\.causal false/,
    ],
    ["llama", "values of another width", { "llama.attention.value_length": { u32: 7 } }, /value_length 7/],
    ["llama", "a factor of yarn", { "llama.rope.scaling.attn_factor": { f32: 0.5 } }, /attn_factor 0\.5/],
    ["olmo2", "the windows of Olmo 3", { "olmo2.attention.sliding_window": { u32: 8 } }, /sliding_window 8/],
    ["llama", "a factor on the embedding", { "llama.embedding_scale": { f32: 2 } }, /embedding_scale 2/],
    ["llama", "a factor on the residual", { "llama.residual_scale": { f32: 0.5 } }, /residual_scale 0\.5/],
    [
      "granite",
      "RoPE switched off",
      { "granite.rope.scaling.finetuned": { bool: false } },
      /rope\.scaling\.finetuned false/,
    ],
    ["gemma2", "a window of nothing", { "gemma2.attention.sliding_window": { u32: 0 } }, /sliding_window 0/],
  ])("%s with %s is refused by name", async (tiny, _name, metadata, message) => {
    const { path } = await writeGguf(tiny, { metadata });
    const attempt = loadModel(path);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "architecture-unsupported" }));
    await expect(attempt).rejects.toThrow(message);
  });

  it.each<[string, Record<string, Typed>, RegExp]>([
    [
      "a part of a model",
      { "split.no": { u32: 0 }, "split.count": { u32: 2 } },
      /is part 1 of 2 of a split GGUF model.*llama-gguf-split --merge/,
    ],
    ["an adapter", { "general.type": { text: "adapter" } }, /general\.type is "adapter"/],
    ["a model of 10⁹ layers", { "llama.block_count": { u32: 1e9 } }, /block_count/],
  ])("%s is refused as such", async (_name, metadata, message) => {
    const { path } = await writeGguf("llama", { metadata });
    for (const read of [loadModel, inspectModel]) {
      await expect(read(path)).rejects.toThrow(expect.objectContaining({ code: "model-invalid" }));
      await expect(read(path)).rejects.toThrow(message);
    }
  });

  it("with values that are not finite is refused, naming the tensor", async () => {
    const bytes = new Uint8Array(
      Float32Array.from({ length: 48 }, (_, i) => (i === 3 ? Number.NaN : 1)).buffer,
    );
    const { path } = await writeGguf("llama", {
      tensors: { "output_norm.weight": { shape: [48], type: 0, bytes } },
    });
    const { weights } = await loadModel(path);
    await expect(numbersOf(weights)).rejects.toThrow(
      /"output_norm\.weight" holds 1 of 48 values that are not finite/,
    );
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
