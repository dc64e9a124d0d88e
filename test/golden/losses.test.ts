import { describe, expect, it } from "vitest";
import type { LossOptions } from "../../src/losses/losses.ts";
import { embeddingLoss, relativeError } from "../engine/backend/onnx/loss/run.ts";
import { readGolden } from "./golden.ts";

/** The options that a name stands for in values that were made before they were stored: `circle_m025_g80` has margin 0.25, γ = 80. */
function optionsOf(name: string): LossOptions {
  const parameter = (letter: string) => {
    const digits = new RegExp(`_${letter}([\\d.]+)`).exec(name)?.[1];
    if (digits === undefined) throw new Error(`The loss "${name}" has no parameter "${letter}".`);
    return Number(/^0\d/.test(digits) ? `0.${digits.slice(1)}` : digits);
  };
  const circle = () => ({ type: "circle", margin: parameter("m"), gamma: parameter("g") }) as const;
  if (name.startsWith("circle_pairwise_")) return { ...circle(), form: "global" };
  if (name.startsWith("circle_")) return { ...circle(), form: "anchor" };
  if (name.startsWith("ntxent_"))
    return { type: "ntxent", denominator: "negatives", temperature: parameter("t") };
  if (name.startsWith("supcon_")) return { type: "supcon", temperature: parameter("t") };
  if (name.startsWith("triplet_")) return { type: "triplet", mining: "all", margin: parameter("m") };
  throw new Error(`The loss "${name}" is not known.`);
}

interface Entry {
  loss: string;
  options?: LossOptions;
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
    const options = entry.options ?? optionsOf(entry.loss);
    const { loss, gradient } = await embeddingLoss(options, rows, entry.labels);
    // Both sides round cosines to float32, and γ multiplies what was rounded: at 256 random embeddings differ by 3e-5.
    const tolerance = Math.max(1e-5, 2 * (options.type === "circle" ? options.gamma : 1) * 2 ** -23);
    expect(relativeError([loss], [entry.value])).toBeLessThan(tolerance);
    expect(relativeError(gradient, entry.grad)).toBeLessThan(tolerance);
  });
});
