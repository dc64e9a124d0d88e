import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { causalAttention } from "../../src/engine/backend/onnx/decoder/attention.ts";
import { LiveModel } from "../../src/engine/backend/onnx/decoder/liveModel.ts";
import { loraFactors } from "../../src/engine/backend/onnx/decoder/loraFactors.ts";
import { input } from "../../src/engine/backend/onnx/graph/tensor.ts";
import { OnnxBackend } from "../../src/engine/backend/onnx/onnxBackend.ts";
import { indexVector } from "../../src/engine/backend/onnx/programs/packing.ts";
import { Device } from "../../src/engine/backend/onnx/runtime/device.ts";
import { type Adapter, readAdapter } from "../../src/engine/model/adapter.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { generate } from "../../src/engine/probe/generate.ts";
import { tempFolder } from "../tempFolder.ts";
import { goldenPath, readGolden } from "./golden.ts";

const { base, input_ids, logits_last } = readGolden<{
  base: string;
  input_ids: number[][];
  logits_last: number[];
}>("peft_adapter", "expected.json");
const [prompt] = input_ids;

let device: Device;
beforeAll(async () => {
  device = await Device.open("cpu");
});

async function baseModel(): Promise<LiveModel> {
  const { architecture, weights } = await loadModel(goldenPath(base));
  return new LiveModel(device, architecture, weights);
}

async function attached(adapter: Adapter): Promise<LiveModel> {
  const model = await baseModel();
  const { plan, factors } = loraFactors(adapter);
  await model.attach(plan, factors);
  return model;
}

async function merged(adapter: Adapter): Promise<LiveModel> {
  const model = await baseModel();
  await model.merge(adapter);
  return model;
}

/** Logits of the prompt's last token. */
async function lastLogits(model: LiveModel): Promise<number[]> {
  const program = await model.program("last logits", (decoder) => {
    const { architecture } = model;
    const attention = causalAttention(architecture, { prefix: 0, batch: 1, length: prompt.length });
    const embedded = decoder.embed(input("ids", [prompt.length], "int32"));
    const hidden = decoder.blocks(embedded, 0, architecture.layers, attention, input("rows", [1], "int32"));
    return { logits: decoder.head().logits(decoder.finalNorm(hidden)) };
  });
  const out = await model.run(program, { ids: indexVector(prompt), rows: indexVector([prompt.length - 1]) });
  return Array.from(out.logits.data);
}

const largestGap = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i])));

async function golden(): Promise<Adapter> {
  const { architecture } = await baseModel();
  return readAdapter(goldenPath("peft_adapter"), architecture);
}

/** The adapter's tensors read with `use_rslora` as given, whatever its own setting is. */
async function withRankStabilisation(use_rslora: boolean): Promise<Adapter> {
  const folder = tempFolder();
  cpSync(goldenPath("peft_adapter"), folder, { recursive: true });
  const path = join(folder, "adapter_config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...config, use_rslora }));
  const { architecture } = await baseModel();
  return readAdapter(folder, architecture);
}

it.each([
  ["attached", attached],
  ["merged", merged],
])("has the logits that peft computes: %s", async (_, put) => {
  const model = await put(await golden());
  expect(largestGap(await lastLogits(model), logits_last)).toBeLessThan(1e-4);
  expect(largestGap(await lastLogits(await baseModel()), logits_last)).toBeGreaterThan(1e-2);
});

it("answers alike with the adapter attached and merged", async () => {
  const options = { maxNewTokens: 12, eosIds: [] };
  const adapter = await golden();
  const prompts = [prompt, prompt.slice(2, 9)];
  const answers = await generate(new OnnxBackend(await attached(adapter)), prompts, options);
  expect(answers).toEqual(await generate(new OnnxBackend(await merged(adapter)), prompts, options));
});

it("scales a rank-stabilised adapter by α/√r, and another by α/r", async () => {
  const [plain, stabilised] = [await withRankStabilisation(false), await withRankStabilisation(true)];
  for (const [module, { scale, a }] of stabilised.modules) {
    expect(scale / plain.modules.get(module)!.scale).toBeCloseTo(Math.sqrt(a.shape[0]), 6);
  }
  // √r inside B, instead of in the scale, makes the same model.
  const modules = new Map(
    [...plain.modules].map(([module, { a, b, scale }]) => {
      const stretched = { shape: b.shape, data: b.data.map((x) => x * Math.sqrt(a.shape[0])) };
      return [module, { a, b: stretched, scale }];
    }),
  );
  const logits = await lastLogits(await attached(stabilised));
  expect(largestGap(logits, await lastLogits(await merged(stabilised)))).toBeLessThan(1e-4);
  expect(largestGap(logits, await lastLogits(await attached({ ...plain, modules })))).toBeLessThan(1e-4);
  // peft computed with one of the two, and where the rank is more than one they are not the same.
  const plainLogits = await lastLogits(await attached(plain));
  const gaps = [plainLogits, logits].map((each) => largestGap(each, logits_last)).sort((x, y) => x - y);
  expect(gaps[0]).toBeLessThan(1e-4);
  if ([...plain.modules.values()].some(({ a }) => a.shape[0] > 1)) expect(gaps[1]).toBeGreaterThan(1e-3);
});
