import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { linearModules, parameterShapes } from "../../../src/engine/model/architecture.ts";
import { architectureFromConfig } from "../../../src/engine/model/architectureFromConfig.ts";
import { families } from "../../../src/engine/model/families.ts";
import { inverseFrequencies } from "../../../src/engine/model/rope.ts";
import { readSafetensorsHeader } from "../../../src/engine/model/safetensors.ts";
import { tinyConfig, tinyModels, tinyPath } from "./tiny.ts";

const llama = () => tinyConfig("llama");

describe("architectureFromConfig", () => {
  it.each(tinyModels)("%s has the parameters of its weights", async (name) => {
    const shapes = parameterShapes(architectureFromConfig(tinyConfig(name)));
    const { tensors } = await readSafetensorsHeader(join(tinyPath(name), "model.safetensors"));
    const found = Object.fromEntries([...tensors].map(([tensor, { shape }]) => [tensor, shape]));
    expect(Object.fromEntries(shapes)).toEqual(found);
  });

  it("names the linears of a block as Hugging Face does", () => {
    const names = (model: string) =>
      linearModules(architectureFromConfig(tinyConfig(model))).map(({ name }) => name);
    expect(names("llama")).toEqual([
      "self_attn.q_proj",
      "self_attn.k_proj",
      "self_attn.v_proj",
      "self_attn.o_proj",
      "mlp.gate_proj",
      "mlp.up_proj",
      "mlp.down_proj",
    ]);
    expect(names("phi3")).toEqual([
      "self_attn.qkv_proj",
      "self_attn.o_proj",
      "mlp.gate_up_proj",
      "mlp.down_proj",
    ]);
  });

  it("describes what is particular to gemma 2", () => {
    expect(architectureFromConfig(tinyConfig("gemma2"))).toMatchObject({
      norm: { offset: 1, placement: "sandwich" },
      activation: "gelu_tanh",
      attention: { scale: 0.25, softcap: 50, windows: [8, null, 8] },
      logits: { scale: 1, softcap: 30 },
      embeddingScale: Math.sqrt(48),
      tiedEmbeddings: true,
    });
  });

  it("describes what is particular to granite", () => {
    expect(architectureFromConfig(tinyConfig("granite"))).toMatchObject({
      attention: { scale: 0.15 },
      logits: { scale: 0.25, softcap: null },
      embeddingScale: 6,
      residualScale: 0.35,
    });
  });

  it("describes which layers of smollm3 rotate and which slide", () => {
    const layersOf = (change: Record<string, unknown>) => {
      const { rope, attention } = architectureFromConfig({
        ...tinyConfig("smollm3"),
        layer_types: undefined,
        no_rope_layers: undefined,
        ...change,
      });
      return { rotate: rope.layers.map(Number), slide: attention.windows };
    };
    const none = [null, null, null, null];
    expect(layersOf({})).toEqual({ rotate: [1, 1, 1, 0], slide: none });
    expect(layersOf({ no_rope_layer_interval: 3 })).toEqual({ rotate: [1, 1, 0, 1], slide: none });
    expect(layersOf({ no_rope_layers: [0, 1, true, false, 1] })).toEqual({
      rotate: [0, 1, 1, 0],
      slide: none,
    });
    expect(layersOf({ sliding_window: 7, use_sliding_window: true, no_rope_layer_interval: 2 })).toEqual({
      rotate: [1, 0, 1, 0],
      slide: [null, 7, null, 7],
    });
    expect(() => layersOf({ no_rope_layers: [0, 1, 1] })).toThrow(
      /no_rope_layers has 3 entries for 4 layers/,
    );
    expect(() => layersOf({ no_rope_layer_interval: 0 })).toThrow(/no_rope_layer_interval/);
  });

  it("reads RoPE settings in their old form as in their new one", () => {
    const { rope_parameters, ...older } = tinyConfig("llama3_rope");
    const { rope_theta, ...rope_scaling } = rope_parameters as Record<string, unknown>;
    const old = architectureFromConfig({ ...older, rope_theta, rope_scaling });
    expect(old).toEqual(architectureFromConfig(tinyConfig("llama3_rope")));
    expect(old.rope.scaling).toEqual({
      type: "llama3",
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContextLength: 64,
    });
    const linear = { ...older, rope_theta, rope_scaling: { type: "linear", factor: 2 } };
    expect(architectureFromConfig(linear).rope.scaling).toEqual({ type: "linear", factor: 2 });
  });

  it("takes Hugging Face's defaults for keys that are left out", () => {
    const { head_dim, num_key_value_heads, rms_norm_eps, tie_word_embeddings, rope_parameters, ...bare } =
      llama();
    expect(architectureFromConfig(bare)).toMatchObject({
      headDim: 12,
      kvHeads: 4,
      norm: { epsilon: 1e-6 },
      tiedEmbeddings: false,
      rope: { theta: 10_000, dims: 12, scaling: null },
    });
    const qwen3 = { ...tinyConfig("qwen3"), head_dim: undefined };
    expect(architectureFromConfig(qwen3).headDim).toBe(128);
    const gemma2 = { ...tinyConfig("gemma2"), layer_types: undefined, sliding_window: undefined };
    expect(architectureFromConfig(gemma2).attention.windows).toEqual([4096, null, 4096]);
  });

  it.each([
    ["mistral slides everywhere", "mistral", { sliding_window: 7 }, [7, 7, 7]],
    ["mistral's null means full", "mistral", { sliding_window: null }, [null, null, null]],
    ["mistral's absent window is 4096", "mistral", { sliding_window: undefined }, [4096, 4096, 4096]],
    ["phi3 slides everywhere", "phi3", { sliding_window: 7 }, [7, 7, 7]],
    [
      "qwen2 does not slide unless asked",
      "qwen2",
      { sliding_window: 7, layer_types: undefined },
      [null, null, null],
    ],
    [
      "qwen2 slides from max_window_layers on",
      "qwen2",
      { sliding_window: 7, use_sliding_window: true, max_window_layers: 1, layer_types: undefined },
      [null, 7, 7],
    ],
    [
      "layer_types decide",
      "qwen3",
      {
        sliding_window: 7,
        use_sliding_window: true,
        layer_types: ["sliding_attention", "full_attention", "sliding_attention"],
      },
      [7, null, 7],
    ],
    ["llama never slides", "llama", { sliding_window: 7 }, [null, null, null]],
  ])("%s", (_name, model, change, windows) => {
    expect(architectureFromConfig({ ...tinyConfig(model), ...change }).attention.windows).toEqual(windows);
  });

  it.each([
    [
      "an unknown family",
      { model_type: "mamba" },
      new RegExp(`"mamba".*${Object.keys(families).join(", ")}`),
    ],
    ["an unknown activation", { hidden_act: "relu6" }, /"relu6"/],
    [
      "an unknown RoPE",
      { rope_parameters: { rope_type: "mrope" } },
      /"mrope".*default, linear, dynamic, yarn/,
    ],
    [
      "RoPE for each kind of layer",
      { rope_parameters: { full_attention: { rope_theta: 1e4 } } },
      /rope_parameters for each kind of layer \("full_attention"\)/,
    ],
    ["a part of each head rotated", { partial_rotary_factor: 0.5 }, /partial_rotary_factor 0\.5/],
    ["quantised weights", { quantization_config: { quant_method: "gptq" } }, /quantization_config: gptq/],
    ["layers that slide", { layer_types: Array(3).fill("sliding_attention") }, /layer_types.*llama/],
    ["attention both ways", { is_causal: false }, /is_causal false/],
    ["layers that differ", { per_layer_config: { 0: { head_dim: 8 } } }, /per_layer_config/],
    ["experts", { num_local_experts: 8 }, /num_local_experts 8/],
    ["factors of another family", { attention_multiplier: 0.5 }, /attention_multiplier 0\.5/],
    ["softcapping of another family", { final_logit_softcapping: 30 }, /final_logit_softcapping 30/],
    ["a model of several media", { vision_config: { depth: 2 } }, /vision_config/],
  ])("refuses %s by name", (_name, change, message) => {
    const attempt = () => architectureFromConfig({ ...llama(), ...change });
    expect(attempt).toThrow(expect.objectContaining({ code: "architecture-unsupported" }));
    expect(attempt).toThrow(message);
  });

  it.each([
    ["no model_type", { model_type: undefined }, /model_type/],
    ["a negative size", { hidden_size: -1 }, /hidden_size/],
    ["heads that do not divide", { num_key_value_heads: 3 }, /multiple/],
    ["too many layers", { num_hidden_layers: 1e9 }, /num_hidden_layers/],
    ["a head of 10⁹", { head_dim: 1e9 }, /head_dim/],
    ["an embedding of 10⁹", { vocab_size: 1e9 }, /vocab_size/],
    ["a width of 10⁹", { intermediate_size: 1e9 }, /intermediate_size/],
    ["10⁹ heads", { num_attention_heads: 1e9 }, /num_attention_heads/],
    ["llama3 scaling without its numbers", { rope_parameters: { rope_type: "llama3" } }, /lacks "factor"/],
  ])("refuses %s", (_name, change, message) => {
    const attempt = () => architectureFromConfig({ ...llama(), ...change });
    expect(attempt).toThrow(expect.objectContaining({ code: "model-invalid" }));
    expect(attempt).toThrow(message);
  });

  it.each([
    ["too few layer_types", { layer_types: ["full_attention"] }, /1 entries for 3 layers/],
    [
      "a layer that slides by nothing",
      { layer_types: Array(3).fill("sliding_attention") },
      /use_sliding_window/,
    ],
  ])("refuses %s", (_name, change, message) => {
    const attempt = () => architectureFromConfig({ ...tinyConfig("qwen2"), ...change });
    expect(attempt).toThrow(expect.objectContaining({ code: "model-invalid" }));
    expect(attempt).toThrow(message);
  });

  it("refuses an unknown layer type by name", () => {
    const config = { ...tinyConfig("qwen2"), layer_types: Array(3).fill("linear_attention") };
    expect(() => architectureFromConfig(config)).toThrow(/linear_attention/);
  });

  it.each([null, 3, "llama", []])("refuses %j as a configuration", (config) => {
    expect(() => architectureFromConfig(config)).toThrow(expect.objectContaining({ code: "model-invalid" }));
  });
});

describe("inverseFrequencies", () => {
  it("are powers of θ", () => {
    const found = inverseFrequencies({ rope: { theta: 10_000, dims: 4, scaling: null } });
    expect([...found]).toEqual([1, 0.01]);
  });

  it("keep fast turns, stretch slow ones and blend between, as Llama 3.1 does", () => {
    const scaling = {
      type: "llama3",
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContextLength: 8192,
    } as const;
    const plain = inverseFrequencies({ rope: { theta: 500_000, dims: 128, scaling: null } });
    const found = inverseFrequencies({ rope: { theta: 500_000, dims: 128, scaling } });
    expect(found[0]).toBe(plain[0]);
    expect(found[63]).toBeCloseTo(plain[63]! / 8, 15);
    // Between 1 and 4 turns in 8192 positions: transformers' smooth factor, worked out by hand for pair 32.
    const turns = (8192 * plain[32]!) / (2 * Math.PI);
    expect(turns).toBeGreaterThan(1);
    expect(turns).toBeLessThan(4);
    const smooth = (turns - 1) / 3;
    expect(found[32]).toBeCloseTo(((1 - smooth) * plain[32]!) / 8 + smooth * plain[32]!, 15);
  });
});
