import { describe, expect, it } from "vitest";
import type { ContrastiveOptions } from "../../src/engine/loss/contrastive.ts";
import { embeddingLoss, relativeError } from "../engine/loss/run.ts";
import { readGolden } from "./golden.ts";

/** The golden file's names for losses. */
const options: Record<string, ContrastiveOptions> = {
  circle_m025_g256: { type: "circle", form: "anchor", margin: 0.25, gamma: 256 },
  circle_m025_g80: { type: "circle", form: "anchor", margin: 0.25, gamma: 80 },
  circle_m04_g32: { type: "circle", form: "anchor", margin: 0.4, gamma: 32 },
  ntxent_t007: { type: "ntxent", temperature: 0.07 },
  supcon_t01: { type: "supcon", temperature: 0.1 },
  triplet_m02_euclid: { type: "triplet", mining: "all", margin: 0.2 },
  "circle_pairwise_m0.25_g256": { type: "circle", form: "global", margin: 0.25, gamma: 256 },
  "circle_pairwise_m0.25_g32": { type: "circle", form: "global", margin: 0.25, gamma: 32 },
};

interface Entry {
  loss: string;
  n: number;
  d: number;
  labels: number[];
  embeddings: number[];
  value: number;
  grad: number[];
}

describe("losses against pytorch-metric-learning and PyTorch", () => {
  it.each(readGolden<Entry[]>("losses.json"))("$loss, $n embeddings", async (entry) => {
    const rows = Array.from({ length: entry.n }, (_, i) =>
      entry.embeddings.slice(i * entry.d, (i + 1) * entry.d),
    );
    const { loss, gradient } = await embeddingLoss(options[entry.loss], rows, entry.labels);
    expect(relativeError([loss], [entry.value])).toBeLessThan(1e-5);
    expect(relativeError(gradient, entry.grad)).toBeLessThan(1e-5);
  });
});
