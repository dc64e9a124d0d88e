import { afterAll, describe, expect, it } from "vitest";
import type {
  GradientProducts,
  GradientRow,
  ParameterScope,
} from "../../../../src/engine/backend/backend.ts";
import { gradientProducts } from "../../../../src/engine/backend/torch/gradients.ts";
import { TorchModel } from "../../../../src/engine/backend/torch/torchModel.ts";
import { WorkerClient } from "../../../../src/engine/backend/torch/workerClient.ts";
import { readAdapter } from "../../../../src/engine/model/adapter.ts";
import { loadModel } from "../../../../src/engine/model/load.ts";
import { committedPath, readGolden } from "../../../golden/golden.ts";
import { type ExpectedKernel, everyPart, scalarRows } from "../../../golden/gradients.ts";
import { skipWithoutTorch, testPython } from "../../../python.ts";
import { TorchWorkers } from "../torchWorkers.ts";

const skipped = skipWithoutTorch("gradient products by PyTorch");
const folder = committedPath("tiny", "llama");
const scope: ParameterScope = { of: "weights", parts: everyPart };

describe.skipIf(skipped)("gradient products by PyTorch", { timeout: 120_000 }, () => {
  const rows: GradientRow[] = scalarRows(readGolden<ExpectedKernel[]>("kernel.json")[0]!);
  const half = new TorchWorkers({ dtype: "bfloat16" });
  const shares = new TorchWorkers({ processes: 2, shard: true });
  afterAll(async () => {
    await half.stop();
    await shares.stop();
  });

  it("are the same tile by tile", async () => {
    const client = await WorkerClient.start({ python: testPython!, threads: 1 });
    try {
      const { architecture, weights } = await loadModel(folder);
      const load = { folder, architecture, weights, device: "cpu", dtype: "float32", threads: 1 } as const;
      const model = await TorchModel.load(client, load);
      const right = [rows[2]!, rows[0]!, rows[2]!];
      for (const other of [null, right]) {
        const whole = await gradientProducts(model, rows, other, { scope });
        const shares: number[] = [];
        const onProgress = (share: number) => void shares.push(share);
        // A text each.
        const tiles = await gradientProducts(model, rows, other, { scope, onProgress }, 1);
        expectClose(tiles, whole, 1e-6);
        expect(shares).toEqual([...shares].sort((a, b) => a - b));
        expect(shares.at(-1)).toBe(1);
        expect(shares.length).toBeGreaterThan(30);
      }
    } finally {
      await client.stop();
    }
  });

  it("on weights in bfloat16 are near those in float32; the adapter beside them is that of finished stages", async () => {
    const { architecture } = await loadModel(folder);
    const adapter = await readAdapter(committedPath("peft_adapter"), architecture);
    const backend = await half.open(folder);
    const found = await backend.gradientProducts(rows, null, { scope, sums: "margins" });
    const { products } = readGolden<ExpectedKernel[]>("kernel.json")[0]!;
    const exact = rows.map((_, i) => Object.values(products).reduce((sum, each) => sum + each[5 * i]!, 0));
    const own = found.sums.filter(({ layer }) => layer !== "all");
    for (const [i, x] of exact.entries()) {
      const sum = own.reduce((total, each) => total + each.products[5 * i]!, 0);
      expect(Math.abs(sum / x - 1)).toBeLessThan(0.05);
    }
    await backend.adopt({ method: "lora", adapter });
    const given = await backend.gradientProducts(rows, null, { scope: { of: "adapter", adapter } });
    const beside = await backend.gradientProducts(rows, null, { scope: { of: "adapter" } });
    // Scales of finished stages are in B, so its gradient is that of scale·B.
    const scale = [...adapter.modules.values()][0]!.scale;
    const folded = given.sums.map((sum) => ({
      ...sum,
      products: sum.products.map((x) => (sum.part.endsWith("lora_B") ? x / scale ** 2 : x)),
    }));
    expectClose(beside, { sums: folded }, 1e-5);
    await backend.dispose();
  });

  it("are refused by name where weights are in shares", async () => {
    const backend = await shares.open(folder);
    await expect(backend.gradientProducts(rows, null, { scope })).rejects.toMatchObject({
      code: "request-invalid",
      message: expect.stringContaining("torch.shard=replicate"),
    });
    await backend.dispose();
  });
});

function expectClose(found: GradientProducts, expected: GradientProducts, share: number): void {
  expect(found.sums.length).toBe(expected.sums.length);
  for (const { layer, part, products } of expected.sums) {
    const own = found.sums.find((sum) => sum.layer === layer && sum.part === part)!.products;
    const close = share * Math.max(...products.map(Math.abs)) + 1e-9;
    for (const [i, x] of products.entries())
      expect(Math.abs(own[i]! - x), `${layer} ${part} ${i}`).toBeLessThanOrEqual(close);
  }
}
