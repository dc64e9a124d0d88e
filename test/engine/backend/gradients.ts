import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type {
  Backend,
  GradientProducts,
  GradientRow,
  ParameterScope,
} from "../../../src/engine/backend/backend.ts";
import type { Adapter } from "../../../src/engine/model/adapter.ts";
import { pathTrie } from "../../../src/engine/probe/tokenTrie.ts";
import { goldenPath, readGolden } from "../../golden/golden.ts";
import type { OpenBackend } from "./conformance.ts";

interface Expected {
  input_ids: number[][];
  grad_norm: Record<string, number>;
}

const everything: ParameterScope = {
  of: "weights",
  parts: ["linears", "biases", "norms", "final-norm", "embedding", "head"],
};

/** Of different lengths, with shared tokens and shared beginnings. */
const answers: GradientRow[] = [
  { ids: [3, 9, 27, 81, 11], promptLength: 3 },
  { ids: [3, 9, 27, 40, 41, 42, 9], promptLength: 5 },
  { ids: [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], promptLength: 10 },
  { ids: [3, 9, 27, 30], promptLength: 2 },
].map((example) => ({ ...example, scalar: { type: "answer-loss" } }));

/** Inner products of gradients, held against the norms that PyTorch computed and against each other. */
export function conformanceOfGradients(
  name: string,
  open: OpenBackend,
  models: readonly string[] = readdirSync(goldenPath("tiny")),
): void {
  const opened = async (model: string, use: (backend: Backend) => Promise<void>): Promise<void> => {
    const backend = await open(goldenPath("tiny", model));
    try {
      await use(backend);
    } finally {
      await backend.dispose();
    }
  };

  describe(`inner products of gradients by ${name}`, () => {
    it.each(models)("have the norms of PyTorch's gradients, part by part, for tiny/%s", (model) =>
      opened(model, async (backend) => {
        const expected = readGolden<Expected>("tiny", model, "expected.json");
        const rows = [expected.input_ids[0]!, expected.input_ids[1]!.slice(0, 10)].map(
          (ids): GradientRow => ({ ids, promptLength: 6, scalar: { type: "answer-loss" } }),
        );
        const found = await backend.gradientProducts(rows, null, { scope: everything });
        const squares = new Map<string, number>();
        for (const [name, norm] of Object.entries(expected.grad_norm)) {
          const key = partOf(name, backend.shape.linears);
          squares.set(key, (squares.get(key) ?? 0) + norm ** 2);
        }
        const own = new Map<string, number>();
        for (const { layer, part, products } of found.sums) {
          // The golden loss is the mean over all 12 labelled tokens.
          const square = products.reduce((sum, x) => sum + x, 0) / 144;
          const key =
            ["embedding", "tied"].includes(part) || (part === "head" && !squares.has("outside head"))
              ? "outside embedding"
              : `${layer} ${part}`;
          own.set(key, (own.get(key) ?? 0) + square);
        }
        expect([...own.keys()].sort()).toEqual([...squares.keys()].sort());
        for (const [key, square] of squares) {
          expect(Math.abs(Math.sqrt(own.get(key)!) / Math.sqrt(square) - 1), key).toBeLessThan(2e-4);
        }
      }),
    );

    it("are those of the gradients themselves, and the same the other way round", () =>
      opened("gemma2", async (backend) => {
        const scope: ParameterScope = { of: "weights", parts: ["linears"] };
        const { sums } = await backend.gradientProducts(answers, null, { scope });
        for (const { name, inFeatures, outFeatures } of backend.shape.linears) {
          const layers = [...Array(backend.shape.layers).keys()];
          const site = { module: name, layers } as const;
          const readings = await backend.tap(answers, [
            { site: { at: "linear-input", ...site }, positions: "all", read: "value" },
            { site: { at: "linear-output", ...site }, positions: "all", read: "gradient" },
          ]);
          for (const layer of layers) {
            const dense = readings.map(([a, d]) =>
              outerProducts(a![layer]!.data, d![layer]!.data, inFeatures, outFeatures),
            );
            const found = sums.find((sum) => sum.layer === layer && sum.part === name)!.products;
            for (const [i, x] of dense.entries()) {
              for (const [j, y] of dense.entries()) {
                const bound = 1e-5 * Math.sqrt(dot(x, x) * dot(y, y));
                expect(Math.abs(found[i * dense.length + j]! - dot(x, y))).toBeLessThanOrEqual(bound);
              }
            }
          }
        }
      }));

    it("of an answer are those of its edges, and of the logits that its last token is made of", () =>
      opened("gemma2", async (backend) => {
        const { ids, promptLength } = answers[1]!;
        const [trie] = [pathTrie([ids.slice(promptLength)]).trie];
        const edges: GradientRow = {
          ids: ids.slice(0, promptLength),
          promptLength,
          scalar: { type: "edges", trie, weights: new Float32Array(trie.edges.length).fill(-1) },
        };
        const last: GradientRow = { ids: ids.slice(0, 5), promptLength: 4, scalar: { type: "answer-loss" } };
        const prompt = ids.slice(0, 4);
        const logs = (await backend.nextTokens([prompt])).get(0)!;
        const weights = logs.map((log, token) => Math.exp(log) - (token === ids[4] ? 1 : 0));
        const logits: GradientRow = { ids: prompt, promptLength: 4, scalar: { type: "all-logits", weights } };
        const tokens = [...weights.keys()];
        const sparse: GradientRow = {
          ids: prompt,
          promptLength: 4,
          scalar: { type: "logits", tokens, weights },
        };
        const rows = [answers[1]!, edges, last, logits, sparse];
        const { sums } = await backend.gradientProducts(answers, rows, { scope: everything });
        for (const { part, products } of sums) {
          const column = (j: number) => answers.map((_, i) => products[i * rows.length + j]!);
          // The prompts of the last three are a token shorter, so the embedding of that token has no gradient either way.
          expectNear(column(1), column(0), 1e-4, part);
          expectNear(column(3), column(2), 1e-4, part);
          expectNear(column(4), column(2), 1e-4, part);
        }
      }));

    it("are given by layer and by part, within a scope, and between two sides", () =>
      opened("llama_untied_bias", async (backend) => {
        const whole = await backend.gradientProducts(answers, null, { scope: everything });
        const margins = await backend.gradientProducts(answers, null, { scope: everything, sums: "margins" });
        const total = (found: GradientProducts, take: (sum: GradientProducts["sums"][number]) => boolean) =>
          added(found.sums.filter(take).map(({ products }) => products));
        for (const { layer, part, products } of margins.sums) {
          const own = total(whole, (sum) => (part === "all" ? sum.layer === layer : sum.part === part));
          expectNear([...products], own, 1e-9, `${layer} ${part}`);
        }
        const scope: ParameterScope = { of: "weights", layers: [1], parts: ["linears", "head"] };
        const right = answers.slice(1, 3);
        const { sums } = await backend.gradientProducts(answers, right, { scope });
        expect(new Set(sums.map(({ layer }) => layer))).toEqual(new Set([1, "outside"]));
        for (const { layer, part, products } of sums) {
          const all = whole.sums.find((sum) => sum.layer === layer && sum.part === part)!.products;
          const n = answers.length;
          const own = answers.flatMap((_, i) => [1, 2].map((j) => all[i * n + j]!));
          expectNear([...products], own, 1e-5, part);
        }
      }));

    it("of an adapter are those of its two factors", () =>
      opened("qwen2", async (backend) => {
        const { inFeatures, outFeatures, name } = backend.shape.linears[0]!;
        const factor = (rows: number, columns: number, seed: number) => ({
          shape: [rows, columns],
          data: Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(seed + 3 * i) / 4),
        });
        const [a, b, scale] = [factor(2, inFeatures, 1), factor(outFeatures, 2, 2), 0.5];
        const module = `model.layers.1.${name}`;
        const adapter: Adapter = { modules: new Map([[module, { a, b, scale }]]), baseModel: null };
        const { sums } = await backend.gradientProducts(answers, null, { scope: { of: "adapter", adapter } });
        expect(sums.map(({ layer, part }) => `${layer} ${part}`).sort()).toEqual([
          `1 ${name}.lora_A`,
          `1 ${name}.lora_B`,
        ]);
        const site = { module: name, layers: [1] } as const;
        const readings = await backend.tap(answers, [
          { site: { at: "linear-input", ...site }, positions: "all", read: "value" },
          { site: { at: "linear-output", ...site }, positions: "all", read: "gradient" },
        ]);
        const dense = readings.map(([x, d]) =>
          outerProducts(x![0]!.data, d![0]!.data, inFeatures, outFeatures),
        );
        // With ∂/∂W = G, ∂/∂A = scale·Bᵀ·G and ∂/∂B = scale·G·Aᵀ.
        const ofA = dense.map((g) =>
          product(g, outFeatures, inFeatures, (r, o) => scale * b.data[o * 2 + r]!),
        );
        const ofB = dense.map((g) =>
          Float64Array.from({ length: outFeatures * 2 }, (_, at) => {
            const [o, r] = [Math.floor(at / 2), at % 2];
            let sum = 0;
            for (let i = 0; i < inFeatures; i++) sum += g[o * inFeatures + i]! * a.data[r * inFeatures + i]!;
            return scale * sum;
          }),
        );
        for (const [part, own] of [
          ["lora_A", ofA],
          ["lora_B", ofB],
        ] as const) {
          const { products } = sums.find((sum) => sum.part.endsWith(part))!;
          expectNear(
            [...products],
            own.flatMap((x) => own.map((y) => dot(x, y))),
            1e-4,
            part,
          );
        }
      }));

    it("are refused for what the model does not have", () =>
      opened("llama", async (backend) => {
        const [row] = answers as [GradientRow];
        const scope: ParameterScope = { of: "weights", parts: ["linears"] };
        const asked = (rows: GradientRow[], own: ParameterScope = scope) =>
          backend.gradientProducts(rows, null, { scope: own });
        const logits = (tokens: number[]): GradientRow => ({
          ...row,
          scalar: { type: "logits", tokens, weights: new Float32Array(1) },
        });
        await expect(asked([])).rejects.toThrow(/no rows/);
        await expect(asked([{ ...row, promptLength: row.ids.length }])).rejects.toThrow(/Row 0 .*no answer/);
        await expect(asked([row, logits([100_000])])).rejects.toThrow(/row 1 names token 100000/);
        await expect(asked([row, logits([])])).rejects.toThrow(/1 weights for 0 tokens/);
        await expect(asked([row], { ...scope, layers: [99] })).rejects.toThrow(
          /layer 99; the model has layers 0/,
        );
        await expect(asked([row], { of: "weights", parts: [] })).rejects.toThrow(/no parameters/);
        await expect(asked([row], { of: "adapter" })).rejects.toThrow(/it has none/);
      }));
  });
}

/** Σ_t d_t ⊗ a_t, (out, in). */
function outerProducts(a: Float32Array, d: Float32Array, inside: number, outside: number): Float64Array {
  const sum = new Float64Array(outside * inside);
  for (let t = 0; t * inside < a.length; t++) {
    for (let o = 0; o < outside; o++) {
      for (let i = 0; i < inside; i++) sum[o * inside + i]! += d[t * outside + o]! * a[t * inside + i]!;
    }
  }
  return sum;
}

/** Two rows that are sums of those of a matrix (rows, columns), by factors. */
function product(
  matrix: Float64Array,
  rows: number,
  columns: number,
  factor: (row: number, of: number) => number,
): Float64Array {
  return Float64Array.from({ length: 2 * columns }, (_, at) => {
    const [r, i] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let o = 0; o < rows; o++) sum += factor(r, o) * matrix[o * columns + i]!;
    return sum;
  });
}

const dot = (x: ArrayLike<number>, y: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!;
  return sum;
};

const added = (all: readonly Float64Array[]) =>
  [...all[0]!].map((_, i) => all.reduce((sum, each) => sum + each[i]!, 0));

/** Compares numbers, within a share of the greatest of them. */
function expectNear(
  found: readonly number[],
  expected: readonly number[],
  share: number,
  what: string,
): void {
  const bound = share * Math.max(...expected.map(Math.abs)) + 1e-12;
  for (const [i, x] of expected.entries()) expect(Math.abs(found[i]! - x), what).toBeLessThanOrEqual(bound);
}

function partOf(name: string, linears: Backend["shape"]["linears"]): string {
  const [, layer, rest] = /^model\.layers\.(\d+)\.(.+)\.(?:weight|bias)$/.exec(name) ?? [];
  if (layer === undefined) {
    return (
      { "model.norm.weight": "outside final-norm", "lm_head.weight": "outside head" }[name] ??
      "outside embedding"
    );
  }
  if (name.endsWith(".bias")) return `${layer} biases`;
  return `${layer} ${linears.some((each) => each.name === rest) ? rest : "norms"}`;
}
