import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openBackend } from "../../../src/engine/backend/open.ts";
import { inspectModel, loadModel } from "../../../src/engine/model/load.ts";
import { readSafetensors, writeSafetensors } from "../../../src/engine/model/safetensors.ts";
import { findModels, resolveModel } from "../../../src/modelsHome/home.ts";
import { realModelPath } from "../../realModel.ts";
import { tempFolder } from "../../tempFolder.ts";
import { numbersOf } from "./numbers.ts";
import { tinyModels, tinyPath } from "./tiny.ts";

/** A copy of the tiny llama that a test may damage. */
function copyOfLlama(): string {
  const folder = join(tempFolder(), "llama");
  cpSync(tinyPath("llama"), folder, { recursive: true });
  return folder;
}

function changeJson(path: string, change: Record<string, unknown>): void {
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...change }));
}

describe("loadModel", () => {
  it.each(tinyModels)("reads %s", async (name) => {
    const model = await loadModel(tinyPath(name));
    expect(model).toMatchObject({ name, format: "safetensors", hasTokenizer: false });
    expect(model.weights.has("lm_head.weight")).toBe(!model.architecture.tiedEmbeddings);
  });

  it("tells a missing tokenizer only when it is used, and how to mend it", async () => {
    const model = await loadModel(tinyPath("llama"));
    expect(() => model.tokenizer).toThrow(expect.objectContaining({ code: "tokenizer-missing" }));
    expect(() => model.tokenizer).toThrow(/no tokenizer\.json.*save_pretrained/);
  });

  it("refuses a tokenizer that is needed and not followed", async () => {
    const folder = copyOfLlama();
    const tokenizer = { model: { type: "WordLevel", unk_token: "a", vocab: { a: 0, b: 1e9 } } };
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
    const attempt = loadModel(folder, { needsTokenizer: true });
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "tokenizer-unsupported" }));
    await expect(attempt).rejects.toThrow(/"b" the id 1000000000/);
    expect((await loadModel(folder)).hasTokenizer).toBe(false);
  });

  it.each([
    ["tokenizer_config.json", { added_tokens_decoder: { 2: { content: "<|end|>", special: true } } }],
    ["special_tokens_map.json", { eos_token: "<|end|>" }],
    ["added_tokens.json", { "<|end|>": 2 }],
  ])("knows a token that only %s names", async (name, content) => {
    const folder = copyOfLlama();
    const model = { type: "WordLevel", unk_token: "<unk>", vocab: { "<unk>": 0, a: 1 } };
    writeFileSync(join(folder, "tokenizer.json"), JSON.stringify({ model }));
    writeFileSync(join(folder, name), JSON.stringify(content));
    const { tokenizer } = await loadModel(folder);
    expect(await tokenizer.encode("a<|end|>a")).toEqual([1, 2, 1]);
    const files = await (await loadModel(folder)).fingerprint();
    expect(files.map(({ file }) => file)).toContain(join(folder, name));
  });

  it("reads shards", async () => {
    const folder = copyOfLlama();
    const whole = join(folder, "model.safetensors");
    const { tensors } = await readSafetensors(whole);
    rmSync(whole);
    const shards: [string, boolean][] = [
      ["a.safetensors", true],
      ["b.safetensors", false],
    ];
    const map: Record<string, string> = {};
    for (const [shard, norms] of shards) {
      const part = [...tensors].filter(([name]) => name.includes("norm") === norms);
      await writeSafetensors(join(folder, shard), part);
      for (const [name] of part) map[name] = shard;
    }
    writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
    expect(await numbersOf((await loadModel(folder)).weights)).toEqual(tensors);

    rmSync(join(folder, "b.safetensors"));
    await expect(loadModel(folder)).rejects.toThrow(/b\.safetensors is missing/);
  });

  it("fingerprints what it read", async () => {
    const files = await (await loadModel(tinyPath("llama"))).fingerprint();
    expect(files.map(({ file }) => file.split("/").at(-1))).toEqual([
      "model.safetensors",
      "config.json",
      "generation_config.json",
    ]);
    expect(files[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it("uses a head of its own though the configuration ties it, and says so", async () => {
    const folder = copyOfLlama();
    const path = join(folder, "model.safetensors");
    const { tensors } = await readSafetensors(path);
    const embedding = tensors.get("model.embed_tokens.weight")!;
    const head = { shape: embedding.shape, data: embedding.data.slice() };

    await writeSafetensors(path, [...tensors, ["lm_head.weight", head]]);
    const copied = await loadModel(folder);
    expect(copied.architecture.tiedEmbeddings).toBe(true);
    expect(copied.weights.has("lm_head.weight")).toBe(false);
    expect(copied.warnings).toEqual([]);

    // Beyond the first chunk that is compared would be the last value, whatever the size of a chunk.
    head.data[head.data.length - 1]! += 1;
    await writeSafetensors(path, [...tensors, ["lm_head.weight", head]]);
    const own = await loadModel(folder);
    expect(own.architecture.tiedEmbeddings).toBe(false);
    expect(await own.weights.get("lm_head.weight")!.float32()).toEqual(head.data);
    expect(own.config.tie_word_embeddings).toBe(false);
    expect(own.warnings).toEqual([expect.stringMatching(/tie_word_embeddings.*lm_head\.weight/)]);
    expect((await inspectModel(folder)).warnings).toEqual(own.warnings);
  });

  it.each([
    ["NaN", Number.NaN],
    ["infinity", Number.NEGATIVE_INFINITY],
  ])("refuses weights that are %s, naming the tensor", async (_name, value) => {
    const folder = copyOfLlama();
    const path = join(folder, "model.safetensors");
    const { tensors } = await readSafetensors(path);
    tensors.get("model.norm.weight")!.data[7] = value;
    await writeSafetensors(path, tensors);
    const attempt = openBackend({ device: "cpu" }, await loadModel(folder));
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "weights-invalid" }));
    await expect(attempt).rejects.toThrow(
      /"model\.norm\.weight" holds 1 of 48 values that are not finite.*at index 7/,
    );
  });

  it("warns of settings that it ignores", async () => {
    const folder = copyOfLlama();
    changeJson(join(folder, "config.json"), {
      sliding_window: 7,
      later_setting: 3,
      another_one: "x",
      nothing: null,
      auto_map: { AutoModel: "code.Model" },
      architectures: ["LlamaForSequenceClassification"],
      rope_scaling: { rope_type: "linear", factor: 2, beta_fast: 3 },
    });
    changeJson(join(folder, "generation_config.json"), {
      repetition_penalty: 1.1,
      suppress_tokens: [5],
      temperature: 0.6,
      no_repeat_ngram_size: 0,
      later_decoding: 1,
    });
    writeFileSync(join(folder, "adapter_config.json"), "{}");
    writeFileSync(join(folder, "model.safetensors.index.json"), "{}");
    const { warnings, architecture } = await loadModel(folder);
    expect(architecture.rope.scaling).toEqual({ type: "linear", factor: 2 });
    expect(warnings).toEqual([
      expect.stringMatching(/rope_scaling is used and rope_parameters ignored/),
      expect.stringMatching(/rope_scaling: beta_fast is ignored/),
      expect.stringMatching(/sliding_window 7 is ignored/),
      expect.stringMatching(/unknown keys are ignored: another_one, later_setting\./),
      expect.stringMatching(/LlamaForSequenceClassification; the model is read as a causal/),
      expect.stringMatching(/auto_map names code/),
      expect.stringMatching(/generation_config\.json: repetition_penalty 1\.1 is ignored/),
      expect.stringMatching(/generation_config\.json: suppress_tokens \[5\] is ignored/),
      expect.stringMatching(/generation_config\.json: unknown key is ignored: later_decoding/),
      expect.stringMatching(/model\.safetensors is read/),
      expect.stringMatching(/adapter_config\.json.*not applied/),
    ]);
  });

  it("judges settings of decoding in config.json where there is no generation_config.json", async () => {
    const folder = copyOfLlama();
    rmSync(join(folder, "generation_config.json"));
    changeJson(join(folder, "config.json"), { repetition_penalty: 1.2 });
    expect((await loadModel(folder)).warnings).toEqual([
      expect.stringMatching(/^config\.json: repetition_penalty 1\.2 is ignored/),
    ]);
  });

  it.each(tinyModels)("has nothing to warn of in %s, as transformers wrote it", async (name) => {
    expect((await loadModel(tinyPath(name))).warnings).toEqual([]);
  });

  it("refuses a tensor of a type it does not read before anything is read", async () => {
    const folder = copyOfLlama();
    const path = join(folder, "model.safetensors");
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    const header = bytes.subarray(8, 8 + length).toString();
    // Integers of as many bytes.
    const changed = header.replace(/("model\.norm\.weight":\{"dtype":")F32/, "$1I32");
    expect(changed).not.toBe(header);
    writeFileSync(
      path,
      Buffer.concat([bytes.subarray(0, 8), Buffer.from(changed), bytes.subarray(8 + length)]),
    );
    await expect(inspectModel(folder)).rejects.toThrow(/"model\.norm\.weight" has dtype I32/);
  });

  it.each<[string, (folder: string) => void, string, RegExp]>([
    [
      "of more layers than there are anywhere, at once",
      (f) => changeJson(join(f, "config.json"), { num_hidden_layers: 1e9 }),
      "model-invalid",
      /num_hidden_layers/,
    ],
    ["cut short", (f) => truncateSync(join(f, "model.safetensors"), 9000), "weights-invalid", /cut short/],
    [
      "of another size than its configuration",
      (f) => changeJson(join(f, "config.json"), { intermediate_size: 81 }),
      "weights-invalid",
      /has shape \[\d+,\d+\] \(3840 values\), but config\.json says/,
    ],
    [
      "lacking a layer",
      (f) => changeJson(join(f, "config.json"), { num_hidden_layers: 4 }),
      "weights-invalid",
      /9 of 38 tensors are missing, such as "model\.layers\.3/,
    ],
    [
      "with a layer too many",
      (f) => changeJson(join(f, "config.json"), { num_hidden_layers: 2 }),
      "weights-invalid",
      /"model\.layers\.2.*does not belong/,
    ],
    [
      "without weights",
      (f) => rmSync(join(f, "model.safetensors")),
      "file-missing",
      /neither model\.safetensors/,
    ],
    [
      "with a broken configuration",
      (f) => writeFileSync(join(f, "config.json"), "{"),
      "model-invalid",
      /config\.json/,
    ],
    [
      "of an unknown architecture",
      (f) => changeJson(join(f, "config.json"), { model_type: "rwkv" }),
      "architecture-unsupported",
      /"rwkv".*Supported architectures: llama/,
    ],
  ])("refuses a model %s", async (_name, damage, code, message) => {
    const folder = copyOfLlama();
    damage(folder);
    const attempt = loadModel(folder);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code }));
    await expect(attempt).rejects.toThrow(message);
  });

  it.each<[string, (folder: string) => void, RegExp]>([
    ["does not exist", (f) => rmSync(f, { recursive: true }), /does not exist/],
    ["is an empty folder", () => {}, /neither a config\.json nor a \.gguf/],
    [
      "is a folder of several GGUF files",
      (f) => {
        writeFileSync(join(f, "a.gguf"), "");
        writeFileSync(join(f, "b.gguf"), "");
      },
      /holds 2 \.gguf files.*a\.gguf, b\.gguf/,
    ],
  ])("says of a path that %s what it is not", async (_name, make, message) => {
    const folder = tempFolder();
    make(folder);
    const attempt = loadModel(folder);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: "model-missing" }));
    await expect(attempt).rejects.toThrow(message);
  });
});

describe("inspectModel", () => {
  it("refuses what loading would refuse by its headers", async () => {
    const folder = copyOfLlama();
    changeJson(join(folder, "config.json"), { num_hidden_layers: 4 });
    await expect(inspectModel(folder)).rejects.toThrow(/9 of 38 tensors are missing/);
  });

  it("describes the real model without reading it", async () => {
    const { format, parameters, tokenizer, architecture } = await inspectModel(await realModelPath());
    expect({ format, parameters, family: architecture.family }).toEqual({
      format: "gguf",
      parameters: 134_515_008,
      family: "llama",
    });
    expect(tokenizer).toEqual({
      vocabSize: 49152,
      bos: "<|im_start|>",
      eos: ["<|im_end|>"],
      template: "chat",
    });
  });

  it("describes a model that has no tokenizer", async () => {
    const { tokenizer, tokenizerProblem, dtypes } = await inspectModel(tinyPath("llama"));
    expect([tokenizer, dtypes]).toEqual([null, { F32: 29 }]);
    expect(tokenizerProblem).toMatch(/no tokenizer\.json/);
  });
});

describe("finding models", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const home = () => {
    const folder = tempFolder();
    for (const path of ["one", "owner/two", ".hidden/three", "node_modules/four"]) {
      mkdirSync(join(folder, path), { recursive: true });
      writeFileSync(join(folder, path, "config.json"), "{}");
      writeFileSync(join(folder, path, "model.safetensors"), "");
    }
    mkdirSync(join(folder, "no-model"));
    writeFileSync(join(folder, "no-model", "config.json"), "{}");
    writeFileSync(join(folder, "owner", "five.gguf"), "");
    writeFileSync(join(folder, "owner", "six.gguf"), "");
    return folder;
  };

  it("looks into folders, not into hidden ones", async () => {
    expect((await findModels(home())).map(({ name }) => name)).toEqual(["one", "five", "six", "two"]);
    expect(await findModels("/nowhere")).toEqual([]);
  });

  it("resolves paths, names in the given folders, and says where it looked", async () => {
    const folder = home();
    expect(await resolveModel("one", ["/nowhere", folder])).toBe(join(folder, "one"));
    expect(await resolveModel("owner/five.gguf", [folder])).toBe(join(folder, "owner/five.gguf"));
    expect(await resolveModel(join(folder, "one"))).toBe(join(folder, "one"));
    renameSync(join(folder, "one"), join(folder, "gone"));
    await expect(resolveModel("one", [folder])).rejects.toThrow(
      expect.objectContaining({ code: "model-missing" }),
    );
    await expect(resolveModel("one", [folder])).rejects.toThrow(join(folder, "one"));
  });

  it("proposes the nearest name that Discern suggests, or that is on this machine", async () => {
    vi.stubEnv("DISCERN_MODELS", home());
    const proposed = (name: string) =>
      resolveModel(name).then(
        () => null,
        ({ message }: Error) => /Did you mean "(.*)"\?/.exec(message)?.[1] ?? null,
      );
    expect(await proposed("smolm2-135m")).toBe("smollm2-135m");
    expect(await proposed("HugingFaceTB/SmolLM2-135M-Instruct")).toBe("HuggingFaceTB/SmolLM2-135M-Instruct");
    expect(await proposed("owner/tow")).toBe("owner/two");
    expect(await proposed("unlike-any-other")).toBeNull();
    expect(await proposed("./smolm2-135m")).toBeNull();
  });
});
