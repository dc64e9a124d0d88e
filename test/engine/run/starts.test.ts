import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type AskOptions, openAdapted } from "../../../src/engine/abilities/ask.ts";
import {
  type Adapter,
  concatAdapters,
  type LoraModule,
  writeAdapter,
} from "../../../src/engine/model/adapter.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { executeRun } from "../../../src/engine/run/execute.ts";
import { Stop } from "../../../src/engine/run/stop.ts";
import { torchSchema } from "../../../src/protocol/backend.ts";
import { recipeSchema } from "../../../src/protocol/recipe.ts";
import { openRun } from "../../../src/runFolder/folder.ts";
import { stream, uniform } from "../../../src/statistics/random.ts";
import { commitOf } from "../../hubServer.ts";
import { skipWithoutTorch, testPython } from "../../python.ts";
import { tempFolder } from "../../tempFolder.ts";
import { tinyData, writeTinyModel } from "../../tinyModel.ts";

let root: string;
beforeEach(async () => {
  root = tempFolder();
  await writeTinyModel(join(root, "model"));
});

afterEach(() => vi.unstubAllEnvs());

const rows = [
  [1, 72, 101, 108, 108, 111],
  [1, 65, 66],
];

/** An adapter of random numbers on some linear modules of the tiny model. */
async function adapter(
  name: string,
  modules: readonly string[],
  rank: number,
  scale: number,
): Promise<Adapter> {
  const { weights } = await loadModel(join(root, "model"));
  const random = stream(1, name);
  const parts = modules.map((module): [string, LoraModule] => {
    const [out, inputs] = weights.get(`${module}.weight`)!.shape as [number, number];
    const a = { shape: [rank, inputs], data: uniform(rank * inputs, 0.3, random) };
    const b = { shape: [out, rank], data: uniform(out * rank, 0.3, random) };
    return [module, { a, b, scale }];
  });
  const made: Adapter = { modules: new Map(parts), baseModel: join(root, "model") };
  await writeAdapter(join(root, name), made);
  return made;
}

const q = (layer: number) => `model.layers.${layer}.self_attn.q_proj`;
const down = "model.layers.1.mlp.down_proj";

/** Log-probabilities of the token after each row, with adapters on the model. */
async function nextTokens(adapters: readonly string[], more: Partial<AskOptions> = {}): Promise<number[][]> {
  const session = await openAdapted({
    ...{ model: "model", root, template: "auto", threads: 1, device: "cpu", backend: "onnx", adapters },
    ...more,
  });
  try {
    const found = await session.backend.nextTokens(rows);
    return rows.map((_, i) => [...found.get(i)!]);
  } finally {
    await session.backend.dispose();
  }
}

function furthest(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number {
  return Math.max(...a.flatMap((row, i) => row.map((x, j) => Math.abs(x - b[i]![j]!))));
}

test("adapters add up to the one that is all of them", async () => {
  const one = await adapter("one", [q(0), down], 2, 0.5);
  const two = await adapter("two", [q(0), q(1)], 3, 2);
  await writeAdapter(join(root, "both"), concatAdapters([one, two]));
  const summed = await nextTokens(["one", "two"]);
  expect(furthest(summed, await nextTokens(["both"]))).toBeLessThan(1e-4);
  for (const fewer of [[], ["one"], ["two"]]) {
    expect(furthest(summed, await nextTokens(fewer)), String(fewer)).toBeGreaterThan(1e-2);
  }
});

test("a run on a model of the cache records its commit, and its adapter names it as the hub does", async () => {
  vi.stubEnv("HF_HUB_CACHE", join(root, "hub"));
  const commit = commitOf("a");
  const snapshot = join(root, "hub/models--owner--tiny/snapshots", commit);
  await cp(join(root, "model"), snapshot, { recursive: true });
  const recipe = recipeSchema.parse({
    ...{
      name: "cached",
      model: `owner/tiny@${commit.slice(0, 7)}`,
      device: "cpu",
      threads: 1,
      maxTokens: 512,
    },
    data: tinyData,
    stages: [{ type: "supervised", steps: 1, train: { method: "lora", rank: 2 } }],
    evaluate: {
      suites: [{ name: "first", source: { file: "starter:pairs.csv", split: "test", limit: 4 } }],
      ...{ before: false, maxNewTokens: 2 },
    },
  });
  const folder = join(root, "run");
  expect(await executeRun(recipe, root, false, { folder, stop: new Stop() })).toBe("finished");
  const { manifest } = await openRun(folder);
  expect(manifest.model).toMatchObject({
    ...{ name: "owner/tiny", path: snapshot, hub: { id: "owner/tiny", commit } },
  });
  const config = JSON.parse(await readFile(join(folder, "model/adapter_config.json"), "utf8"));
  expect([config.base_model_name_or_path, config.revision]).toEqual(["owner/tiny", commit]);
  const warnings: string[] = [];
  const asked = { model: "owner/tiny", onWarning: (warning: string) => warnings.push(warning) };
  await nextTokens(["run"], asked);
  expect(warnings).toEqual([]);
});

const script = `
import json, sys, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
base, rows, *adapters = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
for adapter in adapters:
    model = PeftModel.from_pretrained(model, adapter).merge_and_unload()
with torch.no_grad():
    print(json.dumps([model(torch.tensor([row])).logits[0, -1].log_softmax(-1).tolist() for row in json.loads(rows)]))
`;

describe.skipIf(skipWithoutTorch("adapters as starting points in PEFT and on PyTorch"))("beside PEFT", () => {
  test("several adapters give PEFT's numbers on every backend", async () => {
    await adapter("one", [q(0), down], 2, 0.5);
    await adapter("two", [q(0), q(1)], 3, 2);
    const args = [join(root, "model"), JSON.stringify(rows), join(root, "one"), join(root, "two")];
    const { stdout } = await execa(testPython!, ["-c", script, ...args], { env: { OMP_NUM_THREADS: "1" } });
    const expected = JSON.parse(stdout) as number[][];
    expect(furthest(await nextTokens(["one", "two"]), expected)).toBeLessThan(1e-4);
    const torch = torchSchema.parse({ python: testPython!, dtype: "float32", processes: 1 });
    expect(furthest(await nextTokens(["one", "two"], { backend: "torch", torch }), expected)).toBeLessThan(
      1e-4,
    );
  }, 180_000);
});
