import { describe, expect, it } from "vitest";
import { openBackend } from "../../src/engine/backend/open.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { realModelPath } from "../realModel.ts";
import { readGolden } from "./golden.ts";
import { goldenGradients, logit, norms, total } from "./gradients.ts";

goldenGradients("onnx", async (folder) => {
  const { backend } = await openBackend({ device: "cpu", threads: 1 }, await loadModel(folder));
  return backend;
});

/** What PyTorch found by forming every gradient (`test/golden/make/kernel.py`). */
interface Expected {
  template: "raw" | "chat";
  prompts: [string, string];
  ids: [number[], number[]];
  tops: [number[], number[]];
  blocks: Record<string, number[]>;
  "last 2 and head": number[];
}

describe("the kernel of SmolLM2's ten most probable tokens", () => {
  const pairs = readGolden<Expected[]>("kernel_smollm2.json");
  it("is PyTorch's, over the weights of blocks, and over the last two blocks and the tied head", async () => {
    expect(pairs.map(({ template }) => template).sort()).toEqual(["chat", "raw", "raw"]);
    const { backend } = await openBackend({ device: "cpu" }, await loadModel(await realModelPath()));
    try {
      const { layers } = backend.shape;
      for (const expected of pairs) {
        const rows = expected.ids.flatMap((ids, i) => expected.tops[i]!.map((token) => logit(ids, token)));
        const parts = ["linears", "norms", "embedding", "head"] as const;
        const { sums } = await backend.gradientProducts(rows, null, {
          scope: { of: "weights", parts },
          sums: "margins",
        });
        const ofLayers = (take: (layer: number | string) => boolean) =>
          norms(total({ sums: sums.filter(({ layer }) => take(layer)) }), [10, 10]);
        for (const [block, own] of Object.entries(expected.blocks))
          expectNear(
            ofLayers((layer) => layer === Number(block)),
            own,
          );
        const last = [layers - 2, layers - 1, "outside"];
        expectNear(
          ofLayers((layer) => last.includes(layer)),
          expected["last 2 and head"],
        );
      }
    } finally {
      await backend.dispose();
    }
  });
});

function expectNear(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, x] of expected.entries())
    expect(Math.abs(found[i]! / x - 1), `${i}: ${found[i]}, ${x}`).toBeLessThan(1e-3);
}
