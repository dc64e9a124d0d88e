/** Directions, choices and effects against PyTorch's: `test/golden/make/steering.py`. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend } from "../../../src/engine/backend/backend.ts";
import type { Intervention } from "../../../src/engine/backend/interventions.ts";
import { LiveModel } from "../../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../../src/engine/backend/onnx/runtime/device.ts";
import type { PromptEncoder } from "../../../src/engine/chat/encoding.ts";
import { architectureFromConfig } from "../../../src/engine/model/architectureFromConfig.ts";
import { ablation } from "../../../src/engine/steer/ablation.ts";
import { controlled } from "../../../src/engine/steer/control.ts";
import type { FitContext, Fitted, FittedSteering } from "../../../src/engine/steer/method.ts";
import { methodOf } from "../../../src/engine/steer/methods.ts";
import { PromptSuffix } from "../../../src/engine/steer/promptSuffix.ts";
import { refusalTokens } from "../../../src/engine/steer/refusalTokens.ts";
import { SteeredBackend } from "../../../src/engine/steer/steeredBackend.ts";
import { editWeights } from "../../../src/engine/steer/weightEdit.ts";
import { type Steering, type SteeringGroup, steeringSchema } from "../../../src/protocol/steering.ts";
import { shuffled, stream } from "../../../src/statistics/random.ts";
import { readGolden } from "../../golden/golden.ts";
import { tinyConfig, tinyModel } from "../model/tiny.ts";

interface Chosen {
  readonly max_kl: number;
  readonly scores: { position: number; layer: number; kl?: number; induce?: number; bypass?: number }[];
  readonly position: number;
  readonly layer: number;
  readonly direction: number[];
}
interface Case {
  readonly model: string;
  readonly suffix: number[];
  readonly prompts: Record<SteeringGroup, Record<"train" | "validation", number[][]>>;
  readonly openings: number[][];
  readonly tokens: number[];
  readonly refusal: Chosen;
  readonly surgical: Chosen;
  readonly shown: number[][];
  readonly effects: Record<string, number[][]>;
}

const cases = readGolden<Case[]>("steering.json");
const seed = 5;

/** Prompts are token ids written as JSON; any other text is one of the probes that tell where a template's suffix begins. */
function encoderOf({ suffix }: Case): PromptEncoder {
  const ids = (text: string): number[] =>
    text.startsWith("[") ? (JSON.parse(text) as number[]) : [text.length, ...suffix];
  return {
    prompt: async (text: string) => ids(text),
    prompts: async (texts: readonly string[]) => texts.map(ids),
    openings: async (texts: readonly string[]) => texts.map((text) => JSON.parse(text) as number[]),
    tokenizer: { decode: async () => "x" },
  } as unknown as PromptEncoder;
}

/** The prompts of a group in an order from which the draw takes those of the case. */
function given({ prompts }: Case, group: SteeringGroup): string[] {
  const drawn = [...prompts[group].train, ...prompts[group].validation].map((ids) => JSON.stringify(ids));
  const order = shuffled([...drawn.keys()], stream(seed, "steering", group));
  const texts: string[] = [];
  for (const [i, place] of order.entries()) texts[place] = drawn[i]!;
  return texts;
}

async function contextOf(golden: Case, backend: Backend): Promise<FitContext> {
  const encoder = encoderOf(golden);
  return {
    backend,
    encoder,
    suffix: await PromptSuffix.of(encoder),
    openings: [],
    prompts: {
      harmful: given(golden, "harmful"),
      harmless: given(golden, "harmless"),
      pseudoHarmful: given(golden, "pseudoHarmful"),
      refusals: [],
      answers: [],
    },
    categories: new Map(),
    seed,
  };
}

describe.each(cases.map((golden) => [golden.model, golden] as const))("%s", (name, golden) => {
  let model: LiveModel;
  let backend: Backend;
  let context: FitContext;
  beforeAll(async () => {
    model = await tinyModel(name);
    backend = new OnnxBackend(model);
    context = await contextOf(golden, backend);
  });
  afterAll(() => backend.dispose());

  const keys = {
    train: golden.prompts.harmful.train.length,
    validation: golden.prompts.harmful.validation.length,
    refusalTokens: golden.tokens.map((token) => JSON.stringify([token])),
  };
  const steeringOf = (type: Steering["type"], more: object = {}): Steering => {
    const { max_kl: maxKl } = type === "surgical" ? golden.surgical : golden.refusal;
    return steeringSchema.parse({ type, ...keys, maxKl, ...more });
  };
  const fitMethod = (steering: Steering): Promise<Fitted> => methodOf(steering).fit(steering, context);
  const fitted = async (steering: Steering): Promise<FittedSteering> => ({
    steering,
    ...(await fitMethod(steering)),
  });
  const next = async (of: Backend, interventions?: readonly Intervention[]) => {
    const found = await of.nextTokens(golden.shown, interventions ? { interventions } : {});
    return golden.shown.map((_, i) => [...found.get(i)!]);
  };

  it("derives the refusal tokens", async () => {
    const openings = golden.openings.flatMap((ids) => JSON.stringify(ids));
    const encoder = { ...context.encoder, openings: async () => golden.openings } as unknown as PromptEncoder;
    const { tokens } = await refusalTokens(
      { ...context, encoder, openings },
      { harmful: golden.prompts.harmful.train, harmless: golden.prompts.harmless.train },
      undefined,
    );
    expect(tokens.toSorted((a, b) => a - b)).toEqual(golden.tokens);
  });

  it.each([
    ["refusal-ablation", golden.refusal, { strength: 1 }],
    ["refusal-addition", golden.refusal, { coefficient: 1 }],
    ["surgical", golden.surgical, { strength: 1, lambda: 1 }],
  ] as const)("%s is fitted: means, scores, filters and choice", async (type, expected, settings) => {
    const { chosen, tensors, candidates } = await fitMethod(steeringOf(type));
    const { position, layer } = expected;
    expect(chosen).toMatchObject({ position, layer, ...settings });
    expect(furthest([...tensors.get("direction")!.data], expected.direction)).toBeLessThan(1e-5);
    for (const [i, each] of expected.scores.entries()) {
      const found = candidates![i]!;
      expect(found).toMatchObject({ position: each.position, layer: each.layer });
      // What an earlier test left out was not measured.
      for (const key of ["kl", "induce", "bypass"] as const) {
        if (found[key] !== null && found[key] !== undefined)
          expect(Math.abs(Number(found[key]) - each[key]!)).toBeLessThan(1e-4);
      }
      if (each.kl === undefined) expect(found.leftOut).toBe("zero");
    }
    const measured = candidates!.filter(({ bypass }) => bypass !== null);
    expect(measured.length).toBeGreaterThan(1);
  });

  it.each([
    ["refusal-ablation", steeringOf("refusal-ablation")],
    ["refusal-addition", steeringOf("refusal-addition", { coefficient: -1.5 })],
    ["surgical", steeringOf("surgical")],
    ["surgical half", steeringOf("surgical", { strength: 0.5 })],
  ])("%s changes the first answer token as hooks do, and so do edited weights", async (effect, steering) => {
    const steered = new SteeredBackend(await fitted(steering), context);
    const found = await next(steered);
    for (const [i, expected] of golden.effects[effect]!.entries()) {
      expect(furthest(found[i]!.slice(0, expected.length), expected)).toBeLessThan(2e-4);
    }
    const { interventions } = await steered.steer(golden.shown);
    await edited(interventions, async (other) => {
      const logits = await next(other);
      for (const i of found.keys()) expect(furthest(logits[i]!, found[i]!)).toBeLessThan(1e-4);
    });
  });

  it("at strength or coefficient 0 has exactly the logits of the model alone", async () => {
    const base = await next(backend);
    for (const steering of [
      steeringOf("refusal-ablation", { strength: 0 }),
      steeringOf("refusal-addition", { coefficient: 0 }),
      steeringOf("surgical", { strength: 0 }),
    ]) {
      expect(await next(new SteeredBackend(await fitted(steering), context))).toEqual(base);
    }
  });

  it("leaves nothing of the direction at any site, and ablating twice is ablating once", async () => {
    const direction = Float32Array.from(golden.refusal.direction);
    const once = ablation(backend.shape.layers, direction);
    const examples = golden.shown.map((ids) => ({ ids: [...ids, 5], promptLength: ids.length }));
    const taps = once.map(({ site }) => ({ site, positions: "all", read: "value" }) as const);
    const length = Math.hypot(...direction);
    const readings = (await backend.tap(examples, taps, { interventions: once })).flat(2);
    expect(readings).toHaveLength(examples.length * 3 * backend.shape.layers);
    for (const { data, width, count } of readings) {
      for (let row = 0; row < count; row++) {
        const h = [...data.subarray(row * width, (row + 1) * width)];
        const along = h.reduce((sum, x, c) => sum + (x * direction[c]!) / length, 0);
        expect(Math.abs(along) / Math.hypot(...h)).toBeLessThan(1e-5);
      }
    }
    const [single, twice] = [await next(backend, once), await next(backend, [...once, ...once])];
    for (const i of single.keys()) expect(furthest(twice[i]!, single[i]!)).toBeLessThan(1e-5);
  });

  it("has controls of the same size: a matched one takes away as much, and its weights can be edited, too", async () => {
    const steering = steeringOf("surgical");
    const plain = await (await new SteeredBackend(await fitted(steering), context)).steer(golden.shown);
    const sizes = async (interventions: readonly Intervention[]) => {
      let change = 0;
      await backend.nextTokens(golden.shown, {
        interventions,
        onEffects: (effects) => {
          change = effects.reduce((sum, effect) => sum + effect.change * effect.activations, 0);
        },
      });
      return change;
    };
    const own = await sizes(plain.interventions);
    const matched = controlled(plain.interventions, { type: "matched", seed: 3 });
    const random = controlled(plain.interventions, { type: "random", seed: 3 });
    const share = (await sizes(matched)) / own;
    expect(share).toBeGreaterThan(0.5);
    expect(share).toBeLessThan(2);
    const logits = await next(backend, matched);
    for (const control of [matched, random]) {
      const expected = await next(backend, control);
      await edited(control, async (other) => {
        const found = await next(other);
        for (const i of found.keys()) expect(furthest(found[i]!, expected[i]!)).toBeLessThan(1e-4);
      });
    }
    expect(logits).not.toEqual(
      await next(backend, controlled(plain.interventions, { type: "matched", seed: 4 })),
    );
  });

  /** Uses the model with interventions in its weights. */
  async function edited(
    interventions: readonly Intervention[],
    use: (other: Backend) => Promise<void>,
  ): Promise<void> {
    const weights = new Map(model.weights);
    const config = tinyConfig(name);
    const changed = editWeights({ architecture: model.architecture, weights, config }, interventions);
    const other = new OnnxBackend(
      new LiveModel(await Device.open("cpu", { threads: 1 }), architectureFromConfig(changed), weights),
    );
    try {
      await use(other);
    } finally {
      await other.dispose();
    }
  }
});

function furthest(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
}
