import { describe, expect, it } from "vitest";
import type {
  AnswersBatch,
  Backend,
  GradientProducts,
  GradientRow,
  ParameterScope,
  Scalar,
  TrainerSpec,
  WeightPart,
} from "../../src/engine/backend/backend.ts";
import { type Adapter, readAdapter } from "../../src/engine/model/adapter.ts";
import { loadModel } from "../../src/engine/model/load.ts";
import { pathTrie } from "../../src/engine/probe/tokenTrie.ts";
import type { OpenBackend } from "../engine/backend/conformance.ts";
import { goldenPath, readGolden } from "./golden.ts";

/** What torch.autograd found with every gradient formed (`test/golden/make/kernel.py`). */
export interface ExpectedKernel {
  model: string;
  adapter?: string;
  prompts: number[][];
  answer: number[];
  openings: number[][];
  combination: [number, number][];
  tops: number[][];
  edges: { path: number[]; weight: number }[];
  products: Record<string, number[]>;
  norms: Record<string, { all: number[]; top: number[] }>;
}

export const everyPart: readonly WeightPart[] = [
  "linears",
  "biases",
  "norms",
  "final-norm",
  "embedding",
  "head",
];
const everything = { of: "weights", parts: everyPart } as const;
const blocks: readonly WeightPart[] = ["linears", "biases", "norms"];

/** Holds a backend's `gradientProducts` to whole gradients, and to kernels from whole Jacobians, that PyTorch computed of tiny models. */
export function goldenGradients(name: string, open: OpenBackend): void {
  const opened = async (model: string, use: (backend: Backend) => Promise<void>): Promise<void> => {
    const backend = await open(goldenPath("tiny", model));
    try {
      await use(backend);
    } finally {
      await backend.dispose();
    }
  };
  const cases = readGolden<ExpectedKernel[]>("kernel.json");
  const of = (model: string) => cases.find((each) => each.model === model && each.adapter === undefined)!;

  describe(`golden gradient products by ${name}`, () => {
    it.each(cases.filter(({ adapter }) => adapter === undefined))(
      "are those of whole gradients, by layer and part, on tiny/$model",
      (expected) =>
        opened(expected.model, async (backend) => {
          const found = await backend.gradientProducts(scalarRows(expected), null, { scope: everything });
          expectProducts(found, expected.products);
        }),
    );

    it("give kernels of logits: of chosen ones, of all, and along any weights", () =>
      opened("gemma2", async (backend) => {
        const expected = of("gemma2");
        const tops = expected.tops.flatMap((tokens, i) =>
          tokens.map((token) => logit(expected.prompts[i]!, token)),
        );
        const scopes: Record<string, ParameterScope> = {
          everything,
          blocks: { of: "weights", parts: blocks },
          "block 1": { of: "weights", parts: blocks, layers: [1] },
          "blocks from 1": { of: "weights", parts: blocks, layers: [1, 2] },
          "blocks before 2": { of: "weights", parts: blocks, layers: [1, 0] },
        };
        for (const [name, scope] of Object.entries(scopes)) {
          const all = total(await backend.gradientProducts(tops, null, { scope, sums: "margins" }), "layers");
          expectClose(norms(all, [3, 3, 3]), expected.norms[name]!.top, 2e-5);
        }
        const [first, second] = expected.prompts as [number[], number[]];
        const every = (ids: number[]) => Array.from({ length: 160 }, (_, token) => logit(ids, token));
        const whole = total(
          await backend.gradientProducts(every(first), every(second), { scope: everything }),
        );
        expectClose([Math.hypot(...whole)], [expected.norms.everything!.all[1]!], 2e-5);
        const weights = Float32Array.from({ length: 160 }, (_, v) => Math.sin(v + 1));
        const along: GradientRow[] = [first, second].map((ids) => row(ids, { type: "all-logits", weights }));
        const [, cross] = total(await backend.gradientProducts(along, null, { scope: everything }));
        const contracted = whole.reduce(
          (sum, x, i) => sum + weights[Math.floor(i / 160)]! * weights[i % 160]! * x,
          0,
        );
        expectClose([cross!], [contracted], 1e-4);
      }));

    it("of two lists are a part of those of one, whatever runs together; margins are sums over layers and over parts", () =>
      opened("llama_untied_bias", async (backend) => {
        const rows = scalarRows(of("llama_untied_bias"));
        const own = await backend.gradientProducts(rows, null, { scope: everything });
        const order = [3, 0, 2];
        const shares: number[] = [];
        const some = await backend.gradientProducts(
          order.map((i) => rows[i]!),
          rows.slice(1),
          { scope: everything, onProgress: (share) => shares.push(share) },
        );
        expect(some.sums.length).toBe(own.sums.length);
        for (const { layer, part, products } of own.sums) {
          const expected = order.flatMap((i) => [1, 2, 3].map((j) => products[4 * i + j]!));
          expectClose(sumOf(some, layer, part), expected, 1e-5, Math.max(...products) * 1e-5);
        }
        expect(shares.at(-1)).toBe(1);
        expect(shares).toEqual([...shares].sort((a, b) => a - b));
        const margins = await backend.gradientProducts(rows, null, { scope: everything, sums: "margins" });
        for (const { layer, part, products } of margins.sums) {
          const members = own.sums.filter((each) =>
            layer === "all" ? each.part === part : each.layer === layer,
          );
          const expected = Array.from(products, (_, i) =>
            members.reduce((sum, each) => sum + each.products[i]!, 0),
          );
          expectClose(products, expected, 1e-5, Math.max(...products) * 1e-5);
        }
        expect(margins.sums.some(({ layer }) => layer === "outside")).toBe(true);
      }));

    it("of an adapter's factors are those of peft's, and the same while it is trained as when it is finished", () => {
      const expected = cases.find(({ adapter }) => adapter !== undefined)!;
      const rows = scalarRows(expected);
      return opened(expected.model, async (backend) => {
        const answer = { ids: rows[2]!.ids, promptLength: rows[2]!.promptLength };
        const batch: AnswersBatch = { ...answersBatch, examples: [answer] };
        const trainer = await backend.createTrainer({ ...spec, kinds: [batch] });
        await trainer.backward([batch]);
        await trainer.update(1e-2, 1);
        const during = await backend.gradientProducts(rows, null, { scope: { of: "adapter" } });
        const learned = await trainer.finish();
        if (learned.method !== "lora") throw new Error("a LoRA stage gave no adapter");
        const { adapter } = learned;
        const after = await backend.gradientProducts(rows, null, { scope: { of: "adapter", adapter } });
        expect(during.sums.length).toBe(2 * 3 * backend.shape.linears.length);
        for (const { layer, part, products } of after.sums)
          expectClose(sumOf(during, layer, part), products, 1e-4, 1e-4 * Math.max(...products));
      }).then(() =>
        opened(expected.model, async (backend) => {
          const { architecture } = await loadModel(goldenPath("tiny", expected.model));
          const adapter = await readAdapter(goldenPath(expected.adapter!), architecture);
          await backend.adopt({ method: "lora", adapter });
          const found = await backend.gradientProducts(rows, null, { scope: { of: "adapter", adapter } });
          expectProducts(found, expected.products);
        }),
      );
    });

    it("refuses what the model does not have, and ends when it is cut off", () =>
      opened("llama", async (backend) => {
        const rows = scalarRows(of("llama"));
        const ids = rows[0]!.ids;
        const scope = (more: object): ParameterScope => ({ of: "weights", parts: blocks, ...more });
        const invalid: [readonly GradientRow[], ParameterScope][] = [
          [[], scope({})],
          [rows, scope({ layers: [3] })],
          [rows, scope({ layers: [] })],
          [rows, scope({ parts: [] })],
          [[logit(ids, 160)], scope({})],
          [[row(ids, { type: "answer-loss" })], scope({})],
          [[row(ids, { type: "all-logits", weights: new Float32Array(3) })], scope({})],
          [rows, { of: "adapter", adapter: otherAdapter }],
        ];
        for (const [asked, wrong] of invalid) {
          await expect(backend.gradientProducts(asked, null, { scope: wrong })).rejects.toMatchObject({
            code: "request-invalid",
          });
        }
        let asked = 0;
        const stop = () => {
          if (++asked > 2) throw new Error("cut off");
        };
        const work = () => backend.gradientProducts(rows, null, { scope: everything });
        await expect(backend.interruptible(stop, work)).rejects.toThrow("cut off");
        expectProducts(await work(), of("llama").products);
      }));
  });
}

const row = (ids: readonly number[], scalar: Scalar): GradientRow => ({
  ids,
  promptLength: ids.length,
  scalar,
});

/** The logit of a token behind a text. */
export function logit(ids: readonly number[], token: number): GradientRow {
  return row(ids, { type: "logits", tokens: [token], weights: Float32Array.of(1) });
}

/** The four scalars of a case. */
export function scalarRows({
  prompts,
  answer,
  openings,
  combination,
  tops,
  edges,
}: ExpectedKernel): GradientRow[] {
  const [first, second, third] = prompts as [number[], number[], number[]];
  const { trie, paths } = pathTrie(openings);
  const weights = new Float32Array(trie.edges.length);
  for (const [o, opening] of openings.entries()) {
    for (const [t, edge] of paths[o]!.entries()) {
      const path = opening.slice(0, t + 1).join();
      weights[edge] = edges.find((each) => each.path.join() === path)!.weight;
    }
  }
  const mixed = {
    tokens: combination.map(([token]) => token),
    weights: combination.map(([, factor]) => factor),
  };
  return [
    logit(first, tops[0]![0]!),
    row(first, { type: "logits", tokens: mixed.tokens, weights: Float32Array.from(mixed.weights) }),
    { ids: [...second, ...answer], promptLength: second.length, scalar: { type: "answer-loss" } },
    row(third, { type: "edges", trie, weights }),
  ];
}

/** Holds sums by layer and part to products by parameter (4, 4), within 1e-5 of the lengths of the two gradients. */
function expectProducts(found: GradientProducts, expected: Record<string, number[]>): void {
  const sums = new Map<string, number[]>();
  for (const [parameter, products] of Object.entries(expected)) {
    const key = placeOf(parameter);
    const before = sums.get(key) ?? products.map(() => 0);
    sums.set(
      key,
      before.map((x, i) => x + products[i]!),
    );
  }
  const keys = found.sums.map(({ layer, part }) => `${layer} ${part}`);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keys.sort()).toEqual([...sums.keys()].sort());
  for (const { layer, part, products } of found.sums) {
    const all = sums.get(`${layer} ${part}`)!;
    // Cross terms of two uses have no length of their own.
    const lengths = part === "tied" ? sums.get("outside head")! : all;
    const scale = (i: number, j: number) => Math.sqrt(Math.abs(lengths[5 * i]! * lengths[5 * j]!));
    for (const [index, x] of products.entries()) {
      const close = 1e-5 * scale(Math.floor(index / 4), index % 4) + 1e-7;
      expect(Math.abs(x - all[index]!), `${layer} ${part} ${index}: ${x}, ${all[index]}`).toBeLessThan(close);
    }
  }
}

/** Where a parameter of transformers is counted. */
function placeOf(parameter: string): string {
  const outside: Record<string, string> = {
    "model.embed_tokens.weight": "embedding",
    "lm_head.weight": "head",
    "model.norm.weight": "final-norm",
    tied: "tied",
  };
  if (outside[parameter]) return `outside ${outside[parameter]}`;
  const [, layer, name] = /^model\.layers\.(\d+)\.(.+)$/.exec(parameter)!;
  if (name!.endsWith(".bias")) return `${layer} biases`;
  if (name!.includes("norm")) return `${layer} norms`;
  return `${layer} ${name!.replace(/\.weight$/, "")}`;
}

function sumOf({ sums }: GradientProducts, layer: number | string, part: string): Float64Array {
  return sums.find((each) => each.layer === layer && each.part === part)!.products;
}

/** The products of all parameters; of margins those by layer. */
export function total({ sums }: GradientProducts, of: "all" | "layers" = "all"): number[] {
  const own = of === "all" ? sums : sums.filter(({ layer }) => layer !== "all");
  return Array.from(own[0]!.products, (_, i) => own.reduce((sum, { products }) => sum + products[i]!, 0));
}

/** ‖K‖_F of the pairs of texts with so many rows each. */
export function norms(products: readonly number[], counts: readonly number[]): number[] {
  const starts = counts.map((_, i) => counts.slice(0, i).reduce((sum, count) => sum + count, 0));
  const width = counts.reduce((sum, count) => sum + count, 0);
  return starts.flatMap((a, i) =>
    starts.map((b, j) => {
      let squares = 0;
      for (let r = 0; r < counts[i]!; r++)
        for (let c = 0; c < counts[j]!; c++) squares += products[(a + r) * width + b + c]! ** 2;
      return Math.sqrt(squares);
    }),
  );
}

function expectClose(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
  relative: number,
  absolute = 0,
): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++) {
    const close = relative * Math.abs(expected[i]!) + absolute;
    expect(Math.abs(found[i]! - expected[i]!), `${i}: ${found[i]}, ${expected[i]}`).toBeLessThanOrEqual(
      close,
    );
  }
}

const answersBatch = { kind: "answers", maskPrompt: true, weight: 1, shared: 0 } as const;
const spec: Omit<TrainerSpec, "kinds"> = {
  train: { method: "lora", rank: 2, alpha: 3, dropout: 0, targets: "all-linear" },
  optimiser: { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 },
  seed: 1,
};

/** One that does not fit the tiny models. */
const otherAdapter: Adapter = {
  baseModel: null,
  modules: new Map([
    [
      "model.layers.0.self_attn.q_proj",
      {
        a: { shape: [2, 5], data: new Float32Array(10) },
        b: { shape: [48, 2], data: new Float32Array(96) },
        scale: 1,
      },
    ],
  ]),
};
