import { describe, expect, it } from "vitest";
import type { Backend, Example } from "../../../src/engine/backend/backend.ts";
import type {
  Action,
  Intervention,
  InterventionEffect,
  Site,
  Tap,
  TapReading,
} from "../../../src/engine/backend/interventions.ts";
import { loadModel } from "../../../src/engine/model/load.ts";
import { memoryTensor } from "../../../src/engine/model/weights.ts";
import { tokenTrie, trieProbability } from "../../../src/engine/probe/tokenTrie.ts";
import { goldenPath, norm, readGolden } from "../../golden/golden.ts";
import { numbersOf } from "../model/numbers.ts";

interface Case {
  readonly model: string;
  readonly interventions: readonly {
    readonly at: Site["at"];
    readonly layers: number[];
    readonly module?: string;
    readonly positions: Intervention["positions"];
    readonly action: Action["type"];
    readonly vector?: number[];
    readonly of?: "self" | "last";
    readonly read?: number[];
    readonly write?: number[];
    readonly scale?: number[];
    readonly restoreNorm?: boolean;
  }[];
  readonly prompts: number[][];
  readonly answers: number[][];
  readonly openings: number[][];
  readonly losses: number[];
  readonly scores: number[][];
  readonly greedy: number[][];
  /** Log-probabilities of the first tokens of the vocabulary behind each prompt. */
  readonly next: number[][];
  /** By prompt and layer. */
  readonly features: number[][][];
  /** By module, and within each by example. */
  readonly taps: { layer: number; module: string; x: number[]; g: number[]; weight_gradient_norm: number }[];
}

const cases = readGolden<Case[]>("interventions.json");
const named = cases.map((each) => {
  const what = each.interventions.map(
    ({ action, of, at, module, positions, scale, restoreNorm }) =>
      `${action}${of ? ` of ${of}` : ""} at ${module ? `${module} ` : ""}${at}, ${
        typeof positions === "string" ? positions : `from ${positions.from}`
      }${scale ? ` times ${scale}` : ""}${restoreNorm ? " with its norm" : ""}`,
  );
  return [each.model, what.join("; ") || "nothing", each] as const;
});

/** What every backend must do with interventions and taps: what PyTorch's forward hooks do, and say what it did. */
export function conformanceOfSites(
  opened: (model: string, use: (backend: Backend) => Promise<void>) => Promise<void>,
): void {
  describe.each(named)("changes and reads %s as PyTorch does with %s", (model, _what, golden) => {
    const interventions = golden.interventions.map(interventionOf);
    const examples = golden.prompts.map(
      (prompt, i): Example => ({ ids: [...prompt, ...golden.answers[i]!], promptLength: prompt.length }),
    );

    it("in losses, openings, features and continuations", () =>
      opened(model, async (backend) => {
        const { prompts, openings } = golden;
        const losses = await backend.losses(examples, { interventions });
        const sums = losses.map(({ loss }) => loss);
        expect(furthest(sums, golden.losses)).toBeLessThan(1e-4);

        const trie = tokenTrie(openings);
        const scores = await backend.score(prompts, trie, { interventions });
        for (const i of prompts.keys()) {
          const { logProbabilities } = scores.get(i)!;
          const probability = trieProbability(trie, (edge) => logProbabilities[edge]!);
          const expected = golden.scores[i]!.reduce((sum, log) => sum + Math.exp(log), 0);
          expect(Math.abs(Math.log(probability / expected))).toBeLessThan(1e-3);
        }

        const next = await backend.nextTokens(prompts, { interventions });
        for (const [i, logs] of golden.next.entries()) {
          expect(furthest(Array.from(next.get(i)!.subarray(0, logs.length)), logs)).toBeLessThan(2e-4);
        }

        const layers = golden.features[0]!.map((_, layer) => layer);
        const features = await backend.features(prompts, { layers, pooling: "last", interventions });
        for (const [layer, { data, width }] of features) {
          for (const [i, states] of golden.features.entries()) {
            const own = Array.from(data.subarray(i * width, (i + 1) * width));
            expect(furthest(own, states[layer]!)).toBeLessThan(2e-4);
          }
        }

        const maxNewTokens = golden.greedy[0]!.length;
        const answers = await backend.generate(prompts, { maxNewTokens, eosIds: [], interventions });
        expect(prompts.map((_, i) => answers.get(i)!.ids)).toEqual(golden.greedy);
      }));

    it("in inputs and output gradients of linear modules, which give the gradient of the weight", () =>
      opened(model, async (backend) => {
        const modules = [...new Map(golden.taps.map((tap) => [tap.module, tap])).values()];
        const taps = modules.flatMap(({ layer, module }) => ends(module, layer));
        const read = await backend.tap(examples, taps, { interventions });
        for (const [m, { module }] of modules.entries()) {
          const expected = golden.taps.filter((tap) => tap.module === module);
          for (const [e, { promptLength, ids }] of examples.entries()) {
            const [x, g] = [read[e]![2 * m]![0]!, read[e]![2 * m + 1]![0]!];
            expect([x.count, g.count]).toEqual([ids.length, ids.length]);
            const last = ({ data, width }: TapReading) =>
              Array.from(data.subarray((promptLength - 1) * width, promptLength * width));
            expect(furthest(last(x), expected[e]!.x)).toBeLessThan(2e-4);
            expect(furthest(last(g), expected[e]!.g)).toBeLessThan(2e-4);
            const found = norm(weightGradient([[x, g]]));
            expect(Math.abs(found / expected[e]!.weight_gradient_norm - 1)).toBeLessThan(1e-3);
          }
        }
      }));
  });

  const [example] = cases.map(
    ({ prompts, answers }): Example => ({
      ids: [...prompts[0]!, ...answers[0]!],
      promptLength: prompts[0]!.length,
    }),
  ) as [Example];
  const ablation = (layers: number[], positions: Intervention["positions"] = "all"): Intervention => ({
    site: { at: "block-input", layers },
    positions,
    action: { type: "ablate", direction: Float32Array.from({ length: 48 }, (_, k) => Math.sin(k)) },
  });

  it.each(["self_attn.q_proj", "mlp.down_proj"])(
    "reads of %s what its own training's gradient is made of",
    (module) =>
      opened("llama", async (backend) => {
        const layer = 1;
        const batch = [example, { ids: [9, 8, 7, 30, 31], promptLength: 3 }];
        const read = await backend.tap(batch, ends(module, layer));
        const gradient = weightGradient(read.map(([x, g]) => [x![0]!, g![0]!]));
        const { weights } = await loadModel(goldenPath("tiny", "llama"));
        const name = `model.layers.${layer}.${module}.weight`;
        const { shape, data } = (await numbersOf(weights)).get(name)!;
        const lossAt = async (step: number) => {
          const moved = memoryTensor({ shape, data: data.map((w, i) => w + step * Math.sin(i)) });
          await backend.adopt({ method: "full", weights: new Map([[name, moved]]) });
          return (await backend.losses(batch)).reduce((sum, { loss }) => sum + loss, 0);
        };
        const [above, below] = [await lossAt(1e-2), await lossAt(-1e-2)];
        const slope = gradient.reduce((sum, g, i) => sum + g * Math.sin(i), 0);
        expect(Math.abs((above - below) / 2e-2 / slope - 1)).toBeLessThan(1e-2);
      }),
  );

  it("leaves nothing along an ablated direction, and says how much it took", () =>
    opened("llama", async (backend) => {
      const intervention = ablation([1, 2]);
      const { direction } = intervention.action as Extract<Action, { type: "ablate" }>;
      const length = norm(direction);
      const along = (row: ArrayLike<number>) =>
        direction.reduce((sum, d, k) => sum + (d / length) * row[k]!, 0);
      const values: Tap[] = [
        { site: { at: "block-input", layers: [1, 2] }, positions: "all", read: "value" },
      ];
      let effects: readonly InterventionEffect[] = [];
      const options = { interventions: [intervention], onEffects: (all: typeof effects) => (effects = all) };
      const [[readings]] = (await backend.tap([example], values, options)) as [[TapReading[]]];
      for (const { data, width, count } of readings) {
        for (let t = 0; t < count; t++) {
          expect(Math.abs(along(data.subarray(t * width, (t + 1) * width)))).toBeLessThan(1e-4);
        }
      }
      const tokens = example.ids.length;
      expect(effects).toMatchObject([{ activations: 2 * tokens, of: 2 * tokens }]);

      // At one layer the change is what the plain model has along the direction.
      const [[[plain]]] = (await backend.tap(
        [example],
        [{ site: { at: "block-input", layers: [1] }, positions: "all", read: "value" }],
      )) as [[[TapReading]]];
      await backend.losses([example], { ...options, interventions: [ablation([1])] });
      const rows = Array.from({ length: tokens }, (_, t) =>
        plain.data.subarray(t * plain.width, (t + 1) * plain.width),
      );
      const mean = (of: (row: Float32Array) => number) =>
        rows.reduce((sum, row) => sum + of(row), 0) / tokens;
      expect(Math.abs(effects[0]!.change / mean((row) => Math.abs(along(row))) - 1)).toBeLessThan(1e-3);
      expect(Math.abs(effects[0]!.norm / mean(norm) - 1)).toBeLessThan(1e-3);
    }));

  it("gives what it changed its length back where that is asked for, and says how far it moved", () =>
    opened("llama", async (backend) => {
      const vector = Float32Array.from({ length: 48 }, (_, k) => 3 * Math.cos(k));
      const turned: Intervention = {
        ...ablation([1]),
        action: { type: "add", vector },
        scale: Float32Array.of(1, 0),
        restoreNorm: true,
      };
      const taps: Tap[] = [{ site: turned.site, positions: "all", read: "value" }];
      const batch = [example, { ids: [9, 8, 7, 30, 31], promptLength: 3 }];
      let effects: readonly InterventionEffect[] = [];
      const read = async (interventions: readonly Intervention[]) => {
        const found = await backend.tap(batch, taps, { interventions, onEffects: (all) => (effects = all) });
        return found.map(([[reading]]: TapReading[][]) => rowsOf(reading!));
      };
      const [plain, changed] = [await read([]), await read([turned])];
      for (const [t, x] of plain[1]!.entries()) {
        expect(furthest(Array.from(changed[1]![t]!), Array.from(x))).toBeLessThan(1e-5);
      }
      let moved = 0;
      for (const [t, x] of plain[0]!.entries()) {
        const y = changed[0]![t]!;
        expect(Math.abs(norm(y) / norm(x) - 1)).toBeLessThan(1e-5);
        const sum = x.map((value, k) => value + vector[k]!);
        const expected = Array.from(sum, (value) => (value * norm(x)) / norm(sum));
        expect(furthest(Array.from(y), expected)).toBeLessThan(1e-4);
        moved += norm(y.map((value, k) => value - x[k]!)) / plain[0]!.length;
      }
      expect(moved).toBeGreaterThan(1);
      expect(effects[0]!.activations).toBe(example.ids.length);
      expect(Math.abs(effects[0]!.change / moved - 1)).toBeLessThan(1e-4);
    }));

  it("says which tokens an intervention acted on, padding left out, and that it never did", () =>
    opened("llama", async (backend) => {
      let effects: readonly InterventionEffect[] = [];
      const onEffects = (all: typeof effects) => (effects = all);
      const interventions = [ablation([0]), ablation([0], "last"), ablation([2])];
      const prompts = [
        [3, 4, 5, 6],
        [3, 4, 7],
      ];
      // Features at layer 1 run block 0 alone; what both begin with runs once.
      await backend.features(prompts, { layers: [1], pooling: "last", shared: 2, interventions, onEffects });
      expect(effects[0]!.activations).toBe(effects[0]!.of);
      expect([5, 7]).toContain(effects[0]!.of);
      expect(effects[1]).toMatchObject({ activations: 2, of: effects[0]!.of });
      const none = new Float32Array(2);
      expect(effects[2]).toEqual({ activations: 0, of: 0, change: 0, norm: 0, prompts: none });
      await backend.generate(prompts, {
        maxNewTokens: 3,
        eosIds: [],
        interventions: [ablation([1], "prompt"), ablation([1])],
        onEffects,
      });
      const [prompt, all] = effects as [InterventionEffect, InterventionEffect];
      // Every token of an answer but its last is run.
      expect(all.activations - prompt.activations).toBe(4);
      expect(all.activations).toBe(all.of);
    }));

  it("gives each module that shares an input its own gradient", () =>
    opened("llama", async (backend) => {
      const names = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
      const { weights } = await loadModel(goldenPath("tiny", "llama"));
      const taps = names.flatMap((module): Tap[] => [
        { site: { at: "linear-input", module, layers: [1] }, positions: "all", read: "gradient" },
        { site: { at: "linear-output", module, layers: [1] }, positions: "all", read: "gradient" },
      ]);
      const [read] = (await backend.tap([example], taps)) as [TapReading[][]];
      for (const [m, module] of names.entries()) {
        const [own, g] = [read[2 * m]![0]!, read[2 * m + 1]![0]!];
        const data = await weights.get(`model.layers.1.${module}.weight`)!.float32();
        const expected = Array.from({ length: own.width }, (_, k) =>
          Array.from({ length: g.width }, (_, o) => g.data[o]! * data[o * own.width + k]!).reduce(
            (sum, x) => sum + x,
            0,
          ),
        );
        expect(furthest(Array.from(own.data.subarray(0, own.width)), expected)).toBeLessThan(1e-4);
      }
    }));

  it.each<[string, Partial<Intervention>, RegExp]>([
    ["a layer", { site: { at: "block-input", layers: [0, 3] } }, /layer 3 .* 0 to 2/],
    [
      "a module",
      { site: { at: "linear-input", module: "mlp.w1", layers: [0] } },
      /"mlp\.w1".*mlp\.down_proj/,
    ],
    ["a width", { action: { type: "add", vector: new Float32Array(47) } }, /47 values.*48/],
    ["a direction", { action: { type: "ablate", direction: new Float32Array(48) } }, /zero/],
    [
      "finite values",
      { action: { type: "add", vector: new Float32Array(48).fill(Number.NaN) } },
      /not finite/,
    ],
  ])("refuses an intervention without %s of the model", (_, change, message) =>
    opened("llama", async (backend) => {
      const interventions = [{ ...ablation([0]), ...change }];
      const attempts = [
        () => backend.losses([example], { interventions }),
        () => backend.generate([[3]], { maxNewTokens: 1, eosIds: [], interventions }),
      ];
      for (const attempt of attempts) {
        const refused = expect.objectContaining({
          code: "request-invalid",
          message: expect.stringMatching(message),
        });
        await expect((async () => attempt())()).rejects.toThrow(refused);
      }
    }),
  );
}

function interventionOf({
  at,
  layers,
  module,
  positions,
  action,
  scale,
  restoreNorm,
  of = "self",
  vector = [],
  read = [],
  write = [],
}: Case["interventions"][number]): Intervention {
  const values = Float32Array.from(vector);
  const actions: Record<Action["type"], Action> = {
    ablate: { type: "ablate", direction: values },
    add: { type: "add", vector: values },
    project: { type: "project", read: Float32Array.from(read), write: Float32Array.from(write), of },
  };
  return {
    site: { at, layers, ...(module && { module }) } as Site,
    positions,
    action: actions[action],
    ...(scale && { scale: Float32Array.from(scale) }),
    ...(restoreNorm && { restoreNorm }),
  };
}

/** The tokens of a reading, (width) each. */
function rowsOf({ count, width, data }: TapReading): Float32Array[] {
  return Array.from({ length: count }, (_, t) => data.slice(t * width, (t + 1) * width));
}

/** Taps of what a linear module reads, and of the gradient at what it gives. */
function ends(module: string, layer: number): Tap[] {
  return [
    { site: { at: "linear-input", module, layers: [layer] }, positions: "all", read: "value" },
    { site: { at: "linear-output", module, layers: [layer] }, positions: "all", read: "gradient" },
  ];
}

/** Σ gᵀx over all tokens, (out, in): the gradient of a linear module's weight. */
function weightGradient(readings: readonly (readonly [TapReading, TapReading])[]): Float32Array {
  const [[{ width: inside }, { width: out }]] = readings as [[TapReading, TapReading]];
  const gradient = new Float32Array(out * inside);
  for (const [x, g] of readings) {
    for (let t = 0; t < x.count; t++) {
      for (let o = 0; o < out; o++) {
        for (let k = 0; k < inside; k++) {
          gradient[o * inside + k]! += g.data[t * out + o]! * x.data[t * inside + k]!;
        }
      }
    }
  }
  return gradient;
}

function furthest(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
}
