import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodePrompt, promptTemplate } from "../../../src/engine/chat/template.ts";
import { exportMerged } from "../../../src/engine/model/export.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { realModelPath } from "../../realModel.ts";
import { tempFolder } from "../../tempFolder.ts";
import { numbersOf } from "./numbers.ts";
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
