import { beforeAll, describe, expect, it } from "vitest";
import { causalAttention } from "../../src/engine/backend/onnx/decoder/attention.ts";
import { LiveModel } from "../../src/engine/backend/onnx/decoder/liveModel.ts";
import { input } from "../../src/engine/backend/onnx/graph/tensor.ts";
import { crossEntropy } from "../../src/engine/backend/onnx/loss/crossEntropy.ts";
import { OnnxBackend } from "../../src/engine/backend/onnx/onnxBackend.ts";
import { indexVector } from "../../src/engine/backend/onnx/programs/packing.ts";
import { Device } from "../../src/engine/backend/onnx/runtime/device.ts";
import { Value } from "../../src/engine/backend/onnx/runtime/value.ts";
import { type Architecture, parameterShapes } from "../../src/engine/model/architecture.ts";
import { architectureFromConfig, configWarnings } from "../../src/engine/model/architectureFromConfig.ts";
import type { ConfigKey } from "../../src/engine/model/families/family.ts";
import { families } from "../../src/engine/model/families.ts";
import { elementCount, memoryTensor, type Weights } from "../../src/engine/model/weights.ts";
import { generate } from "../../src/engine/probe/generate.ts";
import { DiscernError } from "../../src/protocol/errors.ts";
import { readGolden } from "./golden.ts";

interface Row {
  readonly family: string;
  readonly option: string;
  /** JSON, as in a `config.json`. */
  readonly config: string;
  readonly loss?: number;
  readonly logits?: readonly number[];
  /** What transformers raises; there is nothing to compare with then. */
  readonly error?: string;
}

const { ids, rows } = readGolden<{ ids: number[]; rows: Row[] }>("options.json");

/** Whether a family does not read a key. */
const unread =
  (key: ConfigKey) =>
  ({ family }: Row): boolean =>
    !families[family]!.reads.includes(key);

/**
 * What is refused though transformers computes it: options that no family of ours has, which transformers ignores in
 * these, and that a person who wrote them would miss; and what is not computed here.
 */
const refusedHere: Readonly<Record<string, (row: Row) => boolean>> = {
  attention_multiplier: unread("attention_multiplier"),
  residual_multiplier: unread("residual_multiplier"),
  embedding_multiplier: unread("embedding_multiplier"),
  logits_scaling: unread("logits_scaling"),
  no_rope_layers: unread("no_rope_layers"),
  no_rope_layer_interval: unread("no_rope_layer_interval"),
  logit_scale: () => true,
  num_local_experts: () => true,
  use_qk_norm: () => true,
  clip_qkv: () => true,
  rope_interleaved: () => true,
  use_bidirectional_attention: () => true,
  is_causal: ({ config }) => JSON.parse(config).is_causal === false,
  qkv_bias: ({ family }) => family !== "qwen2",
  hidden_act: ({ config, family }) =>
    families[family]!.activationKey === "hidden_act" &&
    ["gelu", "relu"].includes(JSON.parse(config).hidden_act) &&
    !families[family]!.activationAliases?.[JSON.parse(config).hidden_act],
  hidden_activation: ({ config, family }) =>
    families[family]!.activationKey !== "hidden_activation" ||
    JSON.parse(config).hidden_activation === "gelu",
  query_pre_attn_scalar: unread("query_pre_attn_scalar"),
  attn_logit_softcapping: (row) =>
    unread("attn_logit_softcapping")(row) && JSON.parse(row.config).attn_logit_softcapping !== null,
  final_logit_softcapping: (row) =>
    unread("final_logit_softcapping")(row) && JSON.parse(row.config).final_logit_softcapping !== null,
  partial_rotary_factor: ({ family }) => family !== "phi3",
  layer_types: ({ config, family }) => {
    const { layer_types, sliding_window } = JSON.parse(config);
    const slides = family === "phi3" && sliding_window !== undefined;
    const own = slides ? "sliding_attention" : "full_attention";
    return (
      ["none", "everywhere"].includes(families[family]!.sliding as string) &&
      family !== "mistral" &&
      layer_types.some((type: string) => type !== own)
    );
  },
  // One frequency for each kind of layer; where layer_types are not read, these are refused first.
  rope_parameters: ({ config }) => config.includes('"full_attention": {'),
};

/** What transformers 5 does not read or compute, and earlier versions read as it is read here. */
const computedHere = (row: Row): boolean => {
  const config = JSON.parse(row.config);
  if (row.option === "head_dim")
    return config.head_dim === null && !families[row.family]!.notNull.includes("head_dim");
  if (row.option === "num_key_value_heads") {
    return config.num_key_value_heads === null && row.family === "mistral";
  }
  // Every layer slides anyway.
  return (
    row.option === "layer_types" &&
    row.family === "mistral" &&
    config.layer_types.every((type: string) => type === "sliding_attention")
  );
};

/** A row whose text is longer than what the engine computes with this configuration. */
const beyondContext = ({ option, config }: Row): boolean =>
  JSON.parse(config).max_position_embeddings < ids.length ||
  (option === "longrope" && config.includes('"original_max_position_embeddings": 16'));

let device: Device;
beforeAll(async () => {
  device = await Device.open("cpu");
});

describe.each([...new Set(rows.map(({ family }) => family))])("%s", (family) => {
  const own = rows.filter((row) => row.family === family);

  it.each(
    own.map((row) => [row.option, row.config.slice(row.config.indexOf('"eos_token_id"')), row] as const),
  )("%s: …%s", async (option, _config, row) => {
    const config = JSON.parse(row.config);
    if (row.error ? !computedHere(row) : refusedHere[option]?.(row)) {
      const attempt = () => architectureFromConfig(config);
      expect(attempt).toThrow(DiscernError);
      expect(attempt).toThrow(named(option));
      return;
    }
    const architecture = architectureFromConfig(config);
    const model = new LiveModel(device, architecture, filled(architecture));
    try {
      if (beyondContext(row)) {
        const answer = generate(new OnnxBackend(model), [ids], { maxNewTokens: 1, eosIds: [] });
        await expect(answer).rejects.toThrow(expect.objectContaining({ code: "prompt-too-long" }));
        return;
      }
      const { loss, logits } = await computed(model);
      if (row.error) return;
      expect(Math.abs(loss - row.loss!)).toBeLessThan(1e-4);
      const worst = Math.max(...logits.map((x, i) => Math.abs(x - row.logits![i]!)));
      expect(logits.length).toBe(row.logits!.length);
      expect(worst).toBeLessThan(1e-4);
    } finally {
      await model.dispose();
    }
  });

  it("warns of every option that is ignored and might be missed", () => {
    const warned = own.filter((row) => {
      try {
        const config = JSON.parse(row.config);
        return configWarnings(config, architectureFromConfig(config)).length > 0;
      } catch {
        return false;
      }
    });
    expect([...new Set(warned.map(({ option }) => option))]).toEqual(expect.arrayContaining(["a_later_key"]));
    const inert = [
      "attention_dropout",
      "initializer_range",
      "pretraining_tp",
      "use_cache",
      "torch_dtype",
      "none",
    ];
    expect(warned.filter(({ option }) => inert.includes(option))).toEqual([]);
  });
});

it("options change what is computed: most rows differ from their family's first", () => {
  const first = new Map(rows.filter(({ option }) => option === "none").map((row) => [row.family, row.loss]));
  const compared = rows.filter(({ loss }) => loss !== undefined);
  const moved = compared.filter(({ family, loss }) => Math.abs(loss! - first.get(family)!) > 1e-3);
  expect(moved.length).toBeGreaterThan(compared.length / 3);
});

/** A refusal names the option: its key, or for a kind of RoPE scaling its name. */
function named(option: string): RegExp {
  const other: Record<string, string> = {
    longrope: "longrope|su",
    yarn: "longrope|yarn",
    rope_scaling: "rope_scaling|RoPE scaling",
    rope_parameters: "rope_parameters|layer_types",
    layer_types: "layer_types|sliding_window",
    partial_rotary_factor: "partial_rotary_factor|rope_scaling",
  };
  return new RegExp(other[option] ?? option);
}

/** The weights of the rule in `make/options.py`. */
function filled(architecture: Architecture): Weights {
  return new Map(
    [...parameterShapes(architecture)].map(([name, shape]) => {
      let seed = 2166136261;
      for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 16777619) >>> 0;
      const data = Float32Array.from({ length: elementCount(shape) }, (_, i) => {
        let h = (seed ^ Math.imul(i, 0x9e3779b1)) >>> 0;
        h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
        h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
        h = (h ^ (h >>> 16)) >>> 0;
        const u = (h >>> 8) / 2 ** 23 - 1;
        if (name.endsWith("norm.weight")) return 1 + u / 8;
        return name === "model.embed_tokens.weight" ? u : u / 4;
      });
      return [name, memoryTensor({ shape, data })];
    }),
  );
}

/** Mean next-token loss over the text, and the logits of its last token. */
async function computed(model: LiveModel): Promise<{ loss: number; logits: number[] }> {
  const { architecture } = model;
  const length = ids.length;
  const program = await model.program("options", (decoder) => {
    const attention = causalAttention(architecture, { prefix: 0, batch: 1, length });
    const x = decoder.embed(input("ids", [length], "int32"));
    const hidden = decoder.finalNorm(
      decoder.blocks(x, 0, architecture.layers, attention, input("rows", [length], "int32")),
    );
    const labels = input("labels", [length], "int32");
    const weights = input("weights", [length]);
    return {
      loss: crossEntropy(hidden, decoder.head(), labels, weights),
      logits: decoder.head().logits(hidden),
    };
  });
  const out = await model.run(program, {
    ids: indexVector(ids),
    rows: indexVector([...ids.keys()]),
    labels: indexVector([...ids.slice(1), 0]),
    weights: Value.of(new Float32Array(length).fill(1 / (length - 1), 0, length - 1), [length]),
  });
  const width = architecture.vocabSize;
  return { loss: out.loss!.data[0]!, logits: Array.from(out.logits!.data.subarray((length - 1) * width)) };
}
