import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Backend, Tokens } from "../../src/engine/backend/backend.ts";
import { LiveModel } from "../../src/engine/backend/onnx/decoder/liveModel.ts";
import { OnnxBackend } from "../../src/engine/backend/onnx/onnxBackend.ts";
import { Device } from "../../src/engine/backend/onnx/runtime/device.ts";
import { openModel } from "../../src/engine/model/source.ts";
import { alphaDirections, alphaSteer } from "../../src/engine/steer/alphaSteer.ts";
import { cast } from "../../src/engine/steer/cast.ts";
import { behaviourDirections } from "../../src/engine/steer/castBehaviour.ts";
import {
  chooseBlocks,
  conditionDirections,
  conditionSimilarities,
  conditionSimilarity,
  statesOf,
} from "../../src/engine/steer/castCondition.ts";
import { balancedAccuracy, bestGate, f1, type Gate } from "../../src/engine/steer/gate.ts";
import type { FittedSteering, SteerContext, Steered } from "../../src/engine/steer/method.ts";
import { nullSpaceReader } from "../../src/engine/steer/nullSpace.ts";
import type { PrincipalDirection } from "../../src/engine/steer/principalDirection.ts";
import type { SteeredPrompt } from "../../src/engine/steer/promptSuffix.ts";
import { safetyScores, scans, scansVectors, transitions } from "../../src/engine/steer/scans.ts";
import { meanVector, stacked, type Vector } from "../../src/engine/steer/vectors.ts";
import { steeringSchema } from "../../src/protocol/steering.ts";
import type { ConditionRecord } from "../../src/protocol/steeringRecord.ts";
import { goldenPath, readGolden } from "./golden.ts";

interface Continued {
  readonly log_probabilities: number[][];
  readonly greedy: number[][];
}

interface Case {
  readonly model: string;
  readonly turnEnd: number;
  readonly prefix: number[];
  readonly harmful: number[][];
  readonly harmless: number[][];
  readonly validation: { readonly harmful: number[][]; readonly harmless: number[][] };
  readonly refusals: number[][];
  readonly answers: number[][];
  readonly asked: number[][];
  readonly unsteered: Continued;
  readonly scans: Continued & {
    readonly strength: number;
    readonly classifier: number[];
    readonly layers: number[];
    readonly vectors: number[][];
    readonly reference: number[][];
    readonly scores: { readonly harmful: number[]; readonly harmless: number[] };
    readonly gate: Gate & { readonly value: number };
    readonly asked: number[];
    readonly signs: number[];
  };
  readonly cast: Continued & {
    readonly strength: number;
    readonly layers: number[];
    readonly conditions: number[][];
    readonly explained: number[];
    readonly behaviours: number[][];
    readonly similarities: { readonly harmful: number[][]; readonly harmless: number[][] };
    readonly gate: Gate & { readonly value: number; readonly layer: number };
    readonly asked: number[];
    readonly fires: boolean[];
    readonly any: Continued & {
      readonly best: { readonly layers: number[]; readonly f1: number };
      readonly conditions: ConditionRecord[];
      readonly holds: boolean[][];
    };
  };
  readonly alphasteer: Continued & {
    readonly strength: number;
    readonly layers: number[];
    readonly ratio: number;
    readonly ridge: number;
    readonly read: number[][];
    readonly refusal: number[][];
  };
}

interface Golden {
  readonly cases: Case[];
  readonly null_space: {
    readonly width: number;
    readonly benign: number[];
    readonly harmful: number[];
    readonly ratio: number;
    readonly ridge: number;
    readonly read: number[];
  }[];
}

const golden = readGolden<Golden>("steering_gated.json");

describe("the mathematics", () => {
  it("of CAST's condition gives the worked values", () => {
    const direction = [0.8, 0.6, 0, 0];
    const h = [4, 8, -4, 2];
    const of = (x: number[]) => conditionSimilarity(Float64Array.from(x), Float64Array.from(direction));
    expect(of(h)).toBeCloseTo(0.84851, 6);
    expect(of(h.map((x) => x / 100))).toBeCloseTo(0.800114, 6);
  });

  it("of AlphaSteer's null space gives the worked value", () => {
    // Q = e₂: what is benign lies along e₁.
    const { read } = nullSpaceReader(
      [Float64Array.of(1, 0)],
      [Float64Array.of(1, 1), Float64Array.of(1, 2)],
      { ratio: 0.5, ridge: 10 },
    );
    expect([...read]).toEqual([0, expect.closeTo(0.2, 12)]);
  });

  it.each(golden.null_space.map((each) => [each.benign.length / each.width, each] as const))(
    "of the null space of %i benign activations equals NumPy's pseudoinverse",
    (_count, { width, benign, harmful, read, ...options }) => {
      const [b, m] = [vectorsOf(benign, width), vectorsOf(harmful, width)];
      const found = nullSpaceReader(b, m, options);
      expect(relative([...found.read], read)).toBeLessThan(1e-6);
      if (b.length < width / 2) {
        for (const h of b)
          expect(Math.abs(h.reduce((sum, x, k) => sum + x * found.read[k]!, 0))).toBeLessThan(1e-9);
      }
    },
  );

  it("takes the threshold with the best criterion in the widest gap, on either side", () => {
    const scores = { unsafe: [0.1, 0.2, 0.9], safe: [0.5, 0.95, 1] };
    expect(bestGate(scores, balancedAccuracy)).toMatchObject({ side: "from" });
    // Two of three unsafe prompts lie below all safe ones; the third costs two more.
    expect(bestGate(scores, balancedAccuracy, ["from", "below"])).toEqual({
      threshold: expect.closeTo(0.35, 12),
      side: "below",
      value: expect.closeTo(5 / 6, 12),
      gap: expect.closeTo(0.3, 12),
    });
    expect(bestGate({ unsafe: [1], safe: [] }, f1)).toBeNull();
    expect(bestGate({ unsafe: [1], safe: [Number.NaN] }, f1)).toBeNull();
  });
});

describe.each(golden.cases.map((each) => [each.model, each] as const))("on %s", (model, given) => {
  let backend: Backend;
  beforeAll(async () => {
    const source = await openModel(goldenPath("tiny", model));
    const device = await Device.open("cpu", { threads: 1 });
    backend = new OnnxBackend(new LiveModel(device, source.architecture, await source.weights()));
  });
  afterAll(() => backend.dispose());
  const place = (ids: Tokens): SteeredPrompt => ({ ids, turnEnd: ids.lastIndexOf(given.turnEnd) });
  const asked = given.asked.map(place);
  const all = given.scans.vectors.map((_, block) => block);

  it("SCANS's vectors, scores, threshold and effect are PyTorch's", async () => {
    const { scans: expected, harmful, harmless, validation, prefix } = given;
    const vectors = await scansVectors(backend, harmful, harmless, all);
    expectRows(vectors, expected.vectors);
    const reference = (await transitions(backend, harmful.map(place), prefix, all)).map(meanVector);
    expectRows(reference, expected.reference);

    const { classifier } = expected;
    const ofClassifier = classifier.map((block) => reference[block]!);
    const score = (prompts: readonly Tokens[]) =>
      safetyScores(backend, prompts.map(place), prefix, classifier, ofClassifier);
    const scores = { unsafe: await score(validation.harmful), safe: await score(validation.harmless) };
    expect(furthest(scores.unsafe, expected.scores.harmful)).toBeLessThan(1e-4);
    expect(furthest(scores.safe, expected.scores.harmless)).toBeLessThan(1e-4);
    const gate = bestGate(scores, balancedAccuracy)!;
    expect(gate.value).toBeCloseTo(expected.gate.value, 10);
    expect(Math.abs(gate.threshold - expected.gate.threshold)).toBeLessThan(2e-3);

    const fitted = {
      steering: steeringSchema.parse({
        type: "scans",
        strength: expected.strength,
        layers: expected.layers,
        classifierLayers: classifier,
      }),
      chosen: {},
      numbers: { threshold: expected.gate.threshold },
      tensors: new Map([
        ["vectors", stacked(expected.layers.map((block) => vectors[block]!))],
        ["reference", stacked(ofClassifier)],
      ]),
    } as FittedSteering<"scans">;
    const steered = await scans.steer(fitted, contextOf(backend, prefix), asked);
    expect(steered.gate!.map(({ decision }) => decision)).toEqual(expected.signs);
    expect(
      furthest(
        steered.gate!.map(({ score: each }) => each),
        expected.asked,
      ),
    ).toBeLessThan(1e-4);
    await expectEffect(backend, given.asked, steered, expected);
  });

  it("CAST's directions, gate and effect are PyTorch's", async () => {
    const { cast: expected, harmful, harmless, validation, refusals, answers } = given;
    const turns = (prompts: readonly Tokens[]) => prompts.map((ids) => ids.slice(0, -2));
    const [conditions] = (await conditionDirections(backend, [turns(harmful)], turns(harmless), all)) as [
      PrincipalDirection[],
    ];
    expectRows(
      conditions.map(({ direction }) => direction),
      expected.conditions,
      2e-3,
    );
    expect(
      furthest(
        conditions.map(({ explained }) => explained),
        expected.explained,
      ),
    ).toBeLessThan(1e-4);
    const questions = turns([...harmful.slice(0, 2), ...harmless.slice(0, 2)]);
    const pairs = refusals.map((refusal, i) => ({ refusal, answer: answers[i]! }));
    const behaviours = await behaviourDirections(backend, questions, pairs, all);
    expectRows(
      behaviours.map(({ direction }) => direction),
      expected.behaviours,
      2e-3,
    );

    const directions = conditions.map(({ direction }) => direction);
    const similarities = async (prompts: readonly Tokens[]) =>
      conditionSimilarities(await statesOf(backend, prompts, all, "mean"), all, directions);
    const [unsafe, safe] = [await similarities(validation.harmful), await similarities(validation.harmless)];
    for (const [found, wanted] of [
      [unsafe, expected.similarities.harmful],
      [safe, expected.similarities.harmless],
    ] as const) {
      for (const block of all) {
        const column = wanted.map((each) => each[block]!);
        expect(furthest(found[block]!, column)).toBeLessThan(1e-3);
      }
    }
    const { layer } = expected.gate;
    const gate = bestGate({ unsafe: unsafe[layer]!, safe: safe[layer]! }, f1, ["from", "below"])!;
    expect(gate.side).toBe(expected.gate.side);
    expect(gate.value).toBeCloseTo(expected.gate.value, 10);
    expect(Math.abs(gate.threshold - expected.gate.threshold)).toBeLessThan(2e-3);

    const fitted = {
      steering: steeringSchema.parse({ type: "cast", strength: expected.strength, layers: expected.layers }),
      chosen: { side: gate.side },
      numbers: { conditionLayer: layer, threshold: expected.gate.threshold },
      tensors: new Map([
        ["condition", stacked([conditions[layer]!.direction])],
        ["behaviour", stacked(expected.layers.map((block) => behaviours[block]!.direction))],
      ]),
    } as FittedSteering<"cast">;
    const steered = await cast.steer(fitted, contextOf(backend, given.prefix), asked);
    expect(steered.gate!.map(({ decision }) => decision)).toEqual(expected.fires.map(Number));
    await expectEffect(backend, given.asked, steered, expected);

    const { best } = chooseBlocks({ unsafe, safe }, all, 2);
    expect(best.layers).toEqual(expected.any.best.layers);
    expect(best.gate.value).toBeCloseTo(expected.any.best.f1, 10);
    const { numbers: _, ...rest } = fitted;
    const either = {
      ...rest,
      steering: { ...fitted.steering, restoreNorm: true },
      numbers: {},
      conditions: expected.any.conditions,
      tensors: new Map([
        ...fitted.tensors,
        [
          "condition",
          stacked(expected.any.conditions.flatMap(({ layers }) => layers.map((of) => directions[of]!))),
        ],
      ]),
    };
    const any = await cast.steer(either, contextOf(backend, given.prefix), asked);
    const { holds } = expected.any;
    expect(any.gate!.map(({ decision }) => decision)).toEqual(holds.map((of) => Number(of.includes(true))));
    expect(any.gate!.map(({ holding }) => holding)).toEqual(holds.map((of) => of.filter(Boolean).length));
    await expectEffect(backend, given.asked, any, expected.any);
  });

  it("AlphaSteer's directions and effect are PyTorch's", async () => {
    const { alphasteer: expected, harmful, harmless } = given;
    const { reads, refusals } = await alphaDirections(
      backend,
      { harmful, harmless, benign: harmless },
      expected.layers,
      expected,
    );
    expectRows(reads, expected.read, 5e-3);
    expectRows(refusals, expected.refusal);
    const fitted = {
      steering: steeringSchema.parse({ type: "alphasteer", layers: expected.layers }),
      chosen: {},
      numbers: { strength: expected.strength },
      tensors: new Map([
        ["read", stacked(reads)],
        ["refusal", stacked(refusals)],
      ]),
    } as FittedSteering<"alphasteer">;
    const steered = await alphaSteer.steer(fitted, contextOf(backend, given.prefix), asked);
    await expectEffect(backend, given.asked, steered, expected);
  });

  it("unsteered continuations are PyTorch's, so that what follows is the methods' doing", async () => {
    await expectEffect(backend, given.asked, { interventions: [] }, given.unsteered);
  });
});

function contextOf(backend: Backend, prefix: Tokens): SteerContext {
  return { backend, encoder: { openings: async () => [prefix] } } as unknown as SteerContext;
}

/** Log-probabilities and greedy tokens in one batch with caches, against one prompt at a time without. */
async function expectEffect(
  backend: Backend,
  prompts: readonly Tokens[],
  { interventions }: Steered,
  expected: Continued,
): Promise<void> {
  const next = await backend.nextTokens(prompts, { interventions });
  for (const [i, row] of expected.log_probabilities.entries()) {
    expect(furthest([...next.get(i)!], row)).toBeLessThan(3e-4);
  }
  const maxNewTokens = expected.greedy[0]!.length;
  const answers = await backend.generate(prompts, { maxNewTokens, eosIds: [], interventions });
  expect(prompts.map((_, i) => answers.get(i)!.ids)).toEqual(expected.greedy);
}

function expectRows(found: readonly Vector[], expected: readonly number[][], tolerance = 5e-4): void {
  expect(found.length).toBe(expected.length);
  for (const [i, row] of found.entries()) expect(relative([...row], expected[i]!)).toBeLessThan(tolerance);
}

/** ‖a − b‖ / ‖b‖. */
function relative(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  const length = (of: readonly number[]) => Math.sqrt(of.reduce((sum, x) => sum + x * x, 0));
  return length(a.map((x, i) => x - b[i]!)) / length(b);
}

function furthest(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  return Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
}

function vectorsOf(values: readonly number[], width: number): Float64Array[] {
  return Array.from({ length: values.length / width }, (_, i) =>
    Float64Array.from(values.slice(i * width, (i + 1) * width)),
  );
}
