import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodePrompt, promptTemplate } from "../../../src/engine/chat/template.ts";
import { mergeAdapter } from "../../../src/engine/model/adapter.ts";
import { exportMerged, exportType } from "../../../src/engine/model/export.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { realModelPath } from "../../realModel.ts";
import { tempFolder } from "../../tempFolder.ts";
import { numbersOf } from "./numbers.ts";
import { writeStoredModel } from "./storedModel.ts";
import { tinyModels, tinyPath } from "./tiny.ts";

describe("exportMerged", () => {
  it.each(tinyModels)("%s is read again as it was", async (name) => {
    const model = await loadModel(tinyPath(name));
    const folder = join(tempFolder(), "export");
    await exportMerged(folder, model, model.weights);
    const again = await loadModel(folder);
    expect(again.architecture).toEqual(model.architecture);
    expect(again.generationConfig).toEqual(model.generationConfig);
    expect(await numbersOf(again.weights)).toEqual(await numbersOf(model.weights));
  });

  it("makes of the real model a folder with its tokenizer and chat template", async () => {
    const model = await loadModel(await realModelPath());
    const folder = join(tempFolder(), "export");
    await exportMerged(folder, model, model.weights);
    const again = await loadModel(folder);
    expect(again.format).toBe("safetensors");
    expect(again.architecture).toEqual(model.architecture);
    const name = "model.layers.7.self_attn.k_proj.weight";
    expect(await again.weights.get(name)!.float32()).toEqual(await model.weights.get(name)!.float32());
    const text = "How do I kill a Python process?  12,345";
    const ids = (each: typeof model) => encodePrompt(each.tokenizer, promptTemplate(each.tokenizer), text);
    expect(await ids(again)).toEqual(await ids(model));
    expect(again.tokenizer.eosIds).toEqual(model.tokenizer.eosIds);
    const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
    expect(config).toMatchObject({
      architectures: ["LlamaForCausalLM"],
      dtype: "float32",
      model_type: "llama",
    });
  });
});

describe("export of halves", () => {
  it.each(["BF16", "F16"] as const)("%s: adds an adapter in float32 and rounds once", async (type) => {
    const model = await loadModel(writeStoredModel(tempFolder(), type));
    const name = "model.layers.1.mlp.up_proj";
    const untouched = "model.layers.0.mlp.up_proj.weight";
    const before = await numbersOf(model.weights);
    const written = exportType(model.weights);
    const factor = (shape: number[], size: number) => ({
      shape,
      data: Float32Array.from({ length: shape[0]! * shape[1]! }, (_, i) => size * Math.sin(i)),
    });
    const lora = { a: factor([2, 256], 0.01), b: factor([512, 2], 0.01), scale: 1 };
    mergeAdapter(model.weights, { modules: new Map([[name, lora]]), baseModel: null });
    const sums = await model.weights.get(`${name}.weight`)!.float32();
    const folder = join(tempFolder(), "export");
    await exportMerged(folder, model, model.weights, written.type);
    const again = await loadModel(folder);
    expect(again.weights.get(untouched)!.type).toBe(type);
    expect(again.config.dtype).toBe(type === "BF16" ? "bfloat16" : "float16");
    expect(await again.weights.get(untouched)!.float32()).toEqual(before.get(untouched)!.data);
    const found = await again.weights.get(`${name}.weight`)!.float32();
    const bits = type === "BF16" ? 8 : 11;
    // To the nearest: half a unit of the last place of its power of two.
    const off = sums.map((sum, i) => {
      const unit = 2 ** (Math.max(-14, Math.floor(Math.log2(Math.abs(sum)))) - bits);
      return Math.abs(found[i]! - sum) / unit;
    });
    expect(off.reduce((most, each) => Math.max(most, each), 0)).toBeLessThanOrEqual(1);
    expect(found).not.toEqual(before.get(`${name}.weight`)!.data);
  });
});
