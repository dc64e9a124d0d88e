import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadModel } from "../../../src/engine/model/load.ts";
import { vulkanEnvironment } from "../../engine/backend/onnx/runtime/webgpu/vulkan.ts";
import { skipWithoutTorch, testPython } from "../../python.ts";
import { skipWhen } from "../../skip.ts";
import { productWeights, weightBytes, writeRandomModel } from "./randomModel.ts";
import { type Found, markdown } from "./results.ts";
import { shapes } from "./shapes.ts";
import { workOn } from "./work.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "discern-gpu-check-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("random models are of the shape they are named after, and read as any model is", async () => {
  await writeRandomModel(folder, shapes.tiny!);
  const { architecture, tokenizer } = await loadModel(folder);
  expect([architecture.layers, architecture.hiddenSize, architecture.vocabSize]).toEqual([2, 32, 512]);
  expect(await tokenizer.decode(await tokenizer.encode("a prompt"))).toBe("a prompt");
  expect((await stat(join(folder, "model.safetensors"))).size).toBeGreaterThan(weightBytes(shapes.tiny!));
  // SmolLM2-135M has 134.5 million parameters, LLaMA-3-8B 8.03 billion.
  expect(weightBytes(shapes["135M"]!) / 2).toBe(134_515_008);
  expect(weightBytes(shapes["8B"]!) / 2).toBe(8_030_261_248);
  expect(productWeights(shapes["8B"]!)).toEqual({ blocks: 6_979_321_856, head: 525_336_576 });
});

test("a task's tokens and operations are those of its input", () => {
  const { lora, generate } = workOn(shapes["8B"]!);
  expect(lora.tokens).toBe(8 * 64);
  expect(lora.operations).toBe(4 * (512 * 6_979_321_856 + 256 * 525_336_576));
  expect(generate.tokens).toBe(64 * 64);
});

test("the table puts the sides of a task below one another and says what does not hold", () => {
  const of = (side: string, task: string, seconds: number[]) => ({
    ...{ shape: "8B", side, task, seconds, warmUpSeconds: 10, tokens: 512, operations: 1e13 },
    deviceBytes: 17.2e9,
    hostBytes: null,
  });
  const found: Found = {
    machine: { card: "a card" },
    peak: 500e12,
    figures: [of("A", "step", [0.1, 0.2, 0.3]), of("A", "score", [2]), of("B", "step", [0.4])],
    checks: [{ name: "nodes on the CPU", found: "3", wanted: "0", holds: false }],
    failures: [{ part: "C", message: "no | room\n    at somewhere" }],
  };
  const lines = markdown(found).split("\n");
  expect(lines[0]).toBe("- card: a card");
  expect(lines.slice(4, 7)).toEqual([
    "| 8B | step | A | 0.200 (0.100–0.300) | 2560 | 10 % | 17.20 |  | 10.0 |",
    "| 8B | step | B | 0.400 (0.400–0.400) | 1280 | 5.0 % | 17.20 |  | 10.0 |",
    "| 8B | score | A | 2.00 (2.00–2.00) | 256 | 1.0 % | 17.20 |  | 10.0 |",
  ]);
  expect(lines.find((line) => line.includes("nodes on the CPU"))).toBe(
    "| nodes on the CPU | 3 | 0 | **no** |",
  );
  expect(lines.at(-1)).toBe("| C | no \\| room |");
});

/** Runs parts of the check where a GPU is imitated. */
async function rehearse(parts: readonly string[]): Promise<Found> {
  const script = join(import.meta.dirname, "gpuCheck.ts");
  const out = join(folder, parts.join("-"));
  const options = ["--rehearse", "--parts", parts.join(), "--out", out];
  const { all } = await execa(process.execPath, [script, ...options], {
    ...{ all: true, reject: false },
    ...(testPython ? { env: { DISCERN_PYTHON: testPython } } : {}),
  });
  const found = JSON.parse(await readFile(join(out, "gpu-check.json"), "utf8")) as Found;
  expect(await readFile(join(out, "gpu-check.md"), "utf8"), all).toContain("- processor: ");
  return found;
}

const vulkan = vulkanEnvironment() !== null;
const tasks = 4;

/** The rehearsals take a minute and a half: they are for those who change the check. */
const unasked = process.env.DISCERN_REHEARSE !== "1";

describe.skipIf(
  skipWhen(
    unasked || !vulkan,
    "the rehearsal of the GPU check's WebGPU: DISCERN_REHEARSE is not 1, or there is no Vulkan driver (libvulkan1, chromium).",
  ),
)("on an imitated GPU", () => {
  test("every task is measured on WebGPU, and the time of a node", { timeout: 600_000 }, async () => {
    const { machine, figures, failures } = await rehearse(["machine", "webgpu", "dispatch"]);
    expect(failures).toEqual([]);
    expect(figures).toHaveLength(tasks);
    for (const { task, seconds } of figures) expect(seconds[0], task).toBeGreaterThan(0);
    expect(machine["time of a node on WebGPU"]).toMatch(/^[\d.e+]+ µs \(LoRA step .* [\d,]+ nodes in /);
  });
});

describe.skipIf(
  skipWhen(unasked, "the rehearsal of the GPU check's PyTorch: DISCERN_REHEARSE is not 1.") ||
    skipWithoutTorch("the rehearsal of the GPU check"),
)("on PyTorch's CPU", () => {
  test("every task is measured on torch, and on plain transformers", { timeout: 600_000 }, async () => {
    const { machine, peak, figures, failures } = await rehearse(["machine", "torch", "transformers"]);
    expect(failures).toEqual([]);
    expect(figures).toHaveLength(2 * tasks);
    expect(peak).toBeGreaterThan(1e8);
    expect(machine.PyTorch).toContain("transformers");
  });
});
