import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Adapter,
  concatAdapters,
  type LoraModule,
  mergeAdapter,
  readAdapter,
  writeAdapter,
} from "../../../src/engine/model/adapter.ts";
import { architectureFromConfig } from "../../../src/engine/model/architectureFromConfig.ts";
import { readSafetensors, writeSafetensors } from "../../../src/engine/model/safetensors.ts";
import type { Parameter, Weights } from "../../../src/engine/model/weights.ts";
import { committedPath } from "../../golden/golden.ts";
import { tempFolder } from "../../tempFolder.ts";
import { inMemory, numbersOf } from "./numbers.ts";
import { tinyConfig } from "./tiny.ts";

const llama = architectureFromConfig(tinyConfig("llama"));
const golden = () => committedPath("peft_adapter");

/** A copy of the golden adapter with settings changed. */
function changed(change: Record<string, unknown>): string {
  const folder = join(tempFolder(), "adapter");
  cpSync(golden(), folder, { recursive: true });
  const path = join(folder, "adapter_config.json");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...change }));
  return folder;
}

let seed = 1;
function random(...shape: number[]): Parameter {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 1073741824 - 1;
  });
  return { shape, data };
}
const q = "model.layers.0.self_attn.q_proj";
const down = "model.layers.2.mlp.down_proj";
const loraOf = (rank: number, scale: number, [out, inputs]: [number, number]): LoraModule => ({
  a: random(rank, inputs),
  b: random(out, rank),
  scale,
});
const adapterOf = (modules: [string, LoraModule][]): Adapter => ({
  modules: new Map(modules),
  baseModel: null,
});
const weightsOf = (): Weights =>
  inMemory(
    new Map([
      [`${q}.weight`, random(48, 48)],
      [`${down}.weight`, random(48, 80)],
    ]),
  );

describe("readAdapter", () => {
  it("reads what PEFT wrote", async () => {
    const { modules, baseModel } = await readAdapter(golden(), llama);
    expect(baseModel).toBe("tiny/llama");
    expect([...modules.keys()].sort()).toEqual(
      [0, 2].flatMap((layer) =>
        ["mlp.down_proj", "mlp.gate_proj", "self_attn.o_proj", "self_attn.q_proj"].map(
          (name) => `model.layers.${layer}.${name}`,
        ),
      ),
    );
    for (const { a, b, scale } of modules.values()) {
      expect([a.shape[0], b.shape[1], scale]).toEqual([4, 4, 4]);
    }
  });

  it("scales by the root of the rank where the adapter is rank-stabilised", async () => {
    const { modules } = await readAdapter(changed({ use_rslora: true }), llama);
    expect(modules.get(q)!.scale).toBe(8);
  });

  it("honours alpha patterns by PEFT's rule, and target_modules as an expression", async () => {
    const folder = changed({
      alpha_pattern: { "layers.0.*q_proj": 2, o_proj: 6 },
      target_modules: ".*_proj",
    });
    const { modules } = await readAdapter(folder, llama);
    expect([q, "model.layers.2.self_attn.o_proj", down].map((name) => modules.get(name)!.scale)).toEqual([
      0.5, 1.5, 4,
    ]);
  });

  it.each([
    ["DoRA", { use_dora: true }, /DoRA/],
    ["trained biases", { bias: "all" }, /bias: "all"/],
    ["saved modules", { modules_to_save: ["lm_head"] }, /modules_to_save: \["lm_head"\]/],
    ["another method", { peft_type: "IA3" }, /"IA3" \(only LORA\)/],
    ["PiSSA, which changes the base weights", { init_lora_weights: "pissa" }, /init_lora_weights: "pissa"/],
    ["PiSSA by iterations", { init_lora_weights: "pissa_niter_16" }, /init_lora_weights: "pissa_niter_16"/],
    ["OLoRA", { init_lora_weights: "olora" }, /init_lora_weights: "olora"/],
    ["CorDA", { init_lora_weights: "corda", corda_config: { corda_method: "kpm" } }, /"corda"/],
    ["LoftQ", { init_lora_weights: "loftq" }, /init_lora_weights: "loftq"/],
    ["LoRA-GA", { init_lora_weights: "lora_ga" }, /init_lora_weights: "lora_ga"/],
    ["an unknown initialisation", { init_lora_weights: "later" }, /init_lora_weights: "later"/],
    ["KaSA", { kasa_config: { beta: 1 } }, /kasa_config/],
    ["MiCA, which changes the base weights", { init_lora_weights: "mica" }, /init_lora_weights: "mica"/],
    ["block-diagonal LoRA", { use_bdlora: { nblocks: 2 } }, /block-diagonal LoRA \(use_bdlora/],
    ["activated LoRA", { alora_invocation_tokens: [1] }, /activated LoRA/],
    ["Arrow routing", { arrow_config: { top_k: 2 } }, /Arrow routing/],
    ["biases in B", { lora_bias: true }, /lora_bias/],
    ["trained tokens", { trainable_token_indices: [1] }, /trainable_token_indices/],
    ["adapted parameters", { target_parameters: ["x"] }, /target_parameters/],
    ["replicated layers", { layer_replication: [[0, 2]] }, /layer_replication/],
    ["Megatron's layers", { megatron_config: { tensor_model_parallel_size: 1 } }, /megatron_config/],
    ["another task", { task_type: "SEQ_CLS" }, /task_type: "SEQ_CLS"/],
    ["a setting of a later PEFT", { use_newlora: true }, /not known here \(use_newlora: true\)/],
    ["tensors outside target_modules", { target_modules: ["o_proj"] }, /does not adapt.*target_modules/],
    ["tensors outside an expression", { target_modules: ".*\\.o_proj" }, /does not adapt/],
    [
      "tensors of other layers",
      { layers_to_transform: [0] },
      /layers\.2\..*does not adapt.*layers_to_transform/,
    ],
    [
      "tensors of layers under another name",
      { layers_to_transform: [0, 2], layers_pattern: "blocks" },
      /does not adapt/,
    ],
    [
      "tensors of excluded modules",
      { exclude_modules: ["o_proj"] },
      /o_proj.*does not adapt.*exclude_modules/,
    ],
    ["no rank", { r: undefined }, /r\b/],
    ["another rank than its tensors", { r: 8 }, /must be \[8,\d+\] and \[\d+,8\]/],
    ["a broken pattern", { rank_pattern: { "(": 4 } }, /"\(" is not a regular expression/],
  ])("refuses %s", async (_name, change, message) => {
    const attempt = readAdapter(changed(change), llama);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "adapter-invalid" }));
    await expect(attempt).rejects.toThrow(message);
  });

  it.each([
    ["initialisations that only fill A and B", { init_lora_weights: "gaussian" }],
    ["EVA", { init_lora_weights: "eva", eva_config: { rho: 2 } }],
    ["settings that are switched off", { use_newlora: false, later_config: null, more: [], bias: "none" }],
    [
      "settings of training",
      { lora_dropout: 0.3, loftq_config: { loftq_bits: 4 }, velora_config: { num_groups: 2 } },
    ],
    ["all linears", { target_modules: "all-linear" }],
    ["transposed weights, which linear modules do not have", { fan_in_fan_out: true }],
    ["PEFT's own choice of modules", { target_modules: null }],
    ["the layers it has", { layers_to_transform: [0, 2], layers_pattern: ["h", "layers"] }],
  ])("accepts %s", async (_name, change) => {
    const [{ modules }, plain] = [
      await readAdapter(changed(change), llama),
      await readAdapter(golden(), llama),
    ];
    expect(modules).toEqual(plain.modules);
  });

  it("refuses values that are not finite, naming the tensor", async () => {
    const folder = changed({});
    const path = join(folder, "adapter_model.safetensors");
    const { tensors } = await readSafetensors(path);
    [...tensors.values()][3]!.data[1] = Number.NaN;
    await writeSafetensors(path, tensors);
    await expect(readAdapter(folder, llama)).rejects.toThrow(/holds 1 of \d+ values that are not finite/);
  });

  it("refuses an adapter of another model, half a module, and a folder that is none", async () => {
    const phi3 = architectureFromConfig(tinyConfig("phi3"));
    await expect(readAdapter(golden(), phi3)).rejects.toThrow(/does not adapt a linear of this phi3 model/);
    const half = changed({});
    const path = join(half, "adapter_model.safetensors");
    const { tensors } = await readSafetensors(path);
    await writeSafetensors(
      path,
      [...tensors].filter(([name]) => !name.includes(`${q}.lora_B`)),
    );
    await expect(readAdapter(half, llama)).rejects.toThrow(/lacks its lora_B/);
    await expect(readAdapter(tempFolder(), llama)).rejects.toThrow(/no adapter_config\.json/);
  });
});

describe("writeAdapter", () => {
  it("gives back modules of different rank and scale", async () => {
    const folder = tempFolder();
    const adapter = adapterOf([
      [q, loraOf(4, 2, [48, 48])],
      ["model.layers.1.self_attn.q_proj", loraOf(4, 2, [48, 48])],
      [down, loraOf(6, 0.5, [48, 80])],
    ]);
    await writeAdapter(folder, adapter, { baseModel: "base" });
    expect(await readAdapter(folder, llama)).toEqual({ ...adapter, baseModel: "base" });
    const config = JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8"));
    expect(config).toMatchObject({
      peft_type: "LORA",
      r: 4,
      lora_alpha: 8,
      rank_pattern: { [down]: 6 },
      alpha_pattern: { [down]: 3 },
    });
  });

  it("gives back what PEFT wrote", async () => {
    const folder = tempFolder();
    const adapter = await readAdapter(golden(), llama);
    await writeAdapter(folder, adapter);
    expect(await readAdapter(folder, llama)).toEqual(adapter);
  });
});

describe("mergeAdapter and concatAdapters", () => {
  it("merging adds scale·B·A", async () => {
    const lora = loraOf(3, 0.5, [48, 80]);
    const weights = weightsOf();
    const before = await numbersOf(weights);
    mergeAdapter(weights, adapterOf([[down, lora]]));
    const after = await numbersOf(weights);
    expect(after.get(`${q}.weight`)).toEqual(before.get(`${q}.weight`));
    for (const [o, i] of [
      [0, 0],
      [17, 33],
      [47, 79],
    ] as const) {
      let sum = before.get(`${down}.weight`)!.data[o * 80 + i]!;
      for (let k = 0; k < 3; k++) sum += 0.5 * lora.b.data[o * 3 + k]! * lora.a.data[k * 80 + i]!;
      expect(after.get(`${down}.weight`)!.data[o * 80 + i]).toBeCloseTo(sum, 5);
    }
  });

  it("a concatenation merges as its parts do, one after the other", async () => {
    const first = adapterOf([
      [q, loraOf(2, 2, [48, 48])],
      [down, loraOf(4, 0.25, [48, 80])],
    ]);
    const second = adapterOf([[q, loraOf(3, 0.5, [48, 48])]]);
    const both = concatAdapters([first, second]);
    expect(both.modules.get(q)!.a.shape).toEqual([5, 48]);
    expect(both.modules.get(down)).toBe(first.modules.get(down));

    const start = weightsOf();
    const [apart, together] = [new Map(start), new Map(start)];
    mergeAdapter(apart, first);
    mergeAdapter(apart, second);
    mergeAdapter(together, both);
    const sums = await numbersOf(together);
    for (const [name, { data }] of await numbersOf(apart)) {
      const found = sums.get(name)!.data;
      expect(data.every((value, i) => Math.abs(value - found[i]!) < 1e-5)).toBe(true);
    }
  });

  it("changes nothing when a module is not the model's", () => {
    const weights = weightsOf();
    const before = new Map(weights);
    const adapter = adapterOf([
      [q, loraOf(2, 1, [48, 48])],
      ["model.layers.9.self_attn.q_proj", loraOf(2, 1, [48, 48])],
    ]);
    expect(() => mergeAdapter(weights, adapter)).toThrow(/layers\.9/);
    expect(weights).toEqual(before);
  });
});
