import { describe, expect, test } from "vitest";
import type { Intervention } from "../../../src/engine/backend/interventions.ts";
import {
  chooseBlocks,
  commonGate,
  fittedConditions,
  heldConditions,
} from "../../../src/engine/steer/castCondition.ts";
import { harmfulPrompts } from "../../../src/engine/steer/castPrompts.ts";
import { controlled } from "../../../src/engine/steer/control.ts";
import type { FitContext } from "../../../src/engine/steer/method.ts";
import { dot, norm, stacked, type Vector } from "../../../src/engine/steer/vectors.ts";
import { steeringSchema } from "../../../src/protocol/steering.ts";

/** Activations short enough for the tanh to change nothing: the similarity with an axis is the share of the length along it. */
const short = (...x: number[]): Vector => Float64Array.from(x, (each) => each / 1e3);
const [x, y] = [Float64Array.of(1, 0), Float64Array.of(0, 1)];

describe("conditions", () => {
  // Of four prompts what blocks 1 and 2 read: the first lies along x at block 1, the second along x at block 2, the third along y at 2.
  const states = new Map([
    [1, [short(1, 0), short(1, 1), short(1, 1), short(1, 1)]],
    [2, [short(1, 1), short(1, 0), short(0, 1), short(1, 1)]],
  ]);
  const from = (threshold: number, layers: number[], directions: Vector[]) => ({
    ...{ layers, directions, threshold, side: "from" as const },
  });

  test("hold where they do at any of their blocks", () => {
    const held = heldConditions([from(0.9, [1, 2], [x, x])], states);
    expect(held.map(({ holds }) => holds)).toEqual([[true], [true], [false], [false]]);
    expect(held.map(({ score }) => score)).toEqual(
      [1, 1, 1, 1].map((one, i) => expect.closeTo(i < 2 ? one : Math.SQRT1_2, 5)),
    );
    const below = heldConditions([{ ...from(0.1, [1, 2], [y, y]), side: "below" }], states);
    expect(below.map(({ holds }) => holds)).toEqual([[true], [true], [false], [false]]);
  });

  test("decide where any of them holds, the second alone too, by the widest margin", () => {
    const both = [from(0.9, [1], [x]), { ...from(0.1, [2], [x]), side: "below" as const }];
    const held = heldConditions(both, states);
    expect(held.map(({ holds }) => holds)).toEqual([
      [true, false],
      [false, false],
      [false, true],
      [false, false],
    ]);
    const [near, apart] = [0.1, Math.SQRT1_2];
    expect(held.map(({ score }) => score)).toEqual(
      [near, apart - 0.9, near, apart - 0.9].map((score) => expect.closeTo(score, 5)),
    );
    expect(commonGate(both)).toEqual({ threshold: 0, side: "from" });
    expect(commonGate([both[1]!])).toEqual({ threshold: 0.1, side: "below" });
  });

  test("of an older file are the one that it states by numbers", () => {
    const tensors = new Map([["condition", stacked([y])]]);
    const old = { chosen: { side: "below" }, numbers: { conditionLayer: 2, threshold: 0.3 }, tensors };
    expect(fittedConditions(old)).toEqual([
      { layers: [2], threshold: 0.3, side: "below", directions: [Float32Array.of(0, 1)] },
    ]);
  });
});

describe("blocks of a condition", () => {
  // Each unsafe prompt stands out at one block of 4 and 7; at 9 all look alike.
  const scores = {
    unsafe: [
      [0.9, 0.1, 0.9],
      [0.2, 0.8, 0.1],
      [0.5, 0.5, 0.5],
    ],
    safe: [
      [0.2, 0.3],
      [0.1, 0.3],
      [0.5, 0.5],
    ],
  };

  test("are as many as are allowed where more find more", () => {
    expect(chooseBlocks(scores, [4, 7, 9], 1).best).toMatchObject({ layers: [4], gate: { value: 0.8 } });
    const { best, compared } = chooseBlocks(scores, [4, 7, 9], 2);
    expect(best).toEqual({
      layers: [4, 7],
      gate: { threshold: expect.closeTo(0.55, 12), side: "from", value: 1, gap: expect.closeTo(0.5, 12) },
    });
    expect(compared.map(({ layers }) => layers)).toEqual([[4], [7], [9], [4, 7]]);
  });

  test("are the fewest of those that are as good, whatever is allowed", () => {
    const { best, compared } = chooseBlocks(scores, [4, 7, 9], 3);
    expect(best.layers).toEqual([4, 7]);
    expect(compared.at(-1)!.layers).toEqual([4, 7, 9]);
  });

  test("cannot be chosen by what is not finite", () => {
    const broken = { unsafe: [[Number.NaN, 1]], safe: [[0, 0]] };
    expect(() => chooseBlocks(broken, [4], 2)).toThrow(/not finite\. Compute it in float32/);
  });
});

describe("harmful prompts by category", () => {
  const prompts = Array.from({ length: 14 }, (_, i) => `prompt ${i}`);
  const kinds = ["theft", "fraud", "fraud"];
  const context = (categoryOf: (i: number) => string | undefined) =>
    ({
      prompts: { harmful: prompts },
      categories: new Map(prompts.flatMap((prompt, i) => (categoryOf(i) ? [[prompt, categoryOf(i)!]] : []))),
      encoder: { prompts: async (texts: readonly string[]) => texts.map((text) => [prompts.indexOf(text)]) },
      seed: 0,
    }) as unknown as FitContext;
  const wanted = { conditions: "categories", train: 6, validation: 6 } as const;

  test("are split within each, as large as its share", async () => {
    const found = await harmfulPrompts(
      wanted,
      context((i) => (i < 12 ? kinds[i % 3] : i < 13 ? "arson" : undefined)),
    );
    const kindsOf = (of: readonly (readonly number[])[]) => new Set(of.map(([i]) => kinds[i! % 3]));
    expect(
      found.groups.map(({ name, train, validation }) => [name, train.length, validation.length]),
    ).toEqual([
      ["theft", 2, 2],
      ["fraud", 4, 4],
    ]);
    for (const { name, train, validation } of found.groups) {
      expect(kindsOf([...train, ...validation])).toEqual(new Set([name]));
    }
    expect(found.all.validation).toEqual(found.groups.flatMap(({ validation }) => validation));
    expect(new Set([...found.all.train, ...found.all.validation].flat()).size).toBe(12);
    expect(found.notes).toEqual([
      expect.stringMatching(/from 2 of 14 harmful prompts: .* fewer than 4 prompts/),
    ]);
  });

  test("are refused where no category has enough, with what to change", async () => {
    const refused = expect.objectContaining({
      code: "group-too-small",
      message: expect.stringMatching(
        /none of their categories has 4 .*\(14 prompts, 7 categories\).*"one".*columns\.kind/,
      ),
    });
    await expect(
      harmfulPrompts(
        wanted,
        context((i) => `kind ${i % 7}`),
      ),
    ).rejects.toThrow(refused);
  });
});

test.each(["random", "matched"] as const)(
  "a %s control restores norms where the method does, at the same prompts",
  (type) => {
    const vector = Float32Array.of(3, 0, 4);
    const own: Intervention = {
      ...{ site: { at: "block-input", layers: [1] }, positions: "all", action: { type: "add", vector } },
      ...{ scale: Float32Array.of(1, 0), restoreNorm: true },
    };
    const [control] = controlled([own], { type, seed: 3 });
    expect(control).toEqual({ ...own, action: { type: "add", vector: expect.anything() } });
    const { vector: random } = (control as typeof own).action as { vector: Float32Array };
    expect(norm(random)).toBeCloseTo(5, 5);
    expect(dot(random, vector)).toBeCloseTo(0, 5);
  },
);

test("a recipe cannot ask for more blocks of a condition than it names", () => {
  const issues = (keys: object) =>
    steeringSchema
      .safeParse({ type: "cast", ...keys })
      .error?.issues.map(({ path, message }) => [path.join("."), message]);
  expect(issues({ conditionLayers: [3, 4], maxConditionLayers: 2 })).toBeUndefined();
  expect(issues({ maxConditionLayers: 3 })).toBeUndefined();
  expect(issues({ conditionLayers: [3, 3], maxConditionLayers: 2 })).toEqual([
    [
      "maxConditionLayers",
      expect.stringMatching(
        /is 2, and conditionLayers names one block; name more blocks there, or give 1 here/,
      ),
    ],
  ]);
  expect(issues({ maxConditionLayers: 4 })).toEqual([["maxConditionLayers", expect.stringMatching(/<=3/)]]);
  expect(issues({ conditions: "each" })).toEqual([
    ["conditions", expect.stringMatching(/"one"\|"categories"/)],
  ]);
});
