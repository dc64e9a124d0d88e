import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Folds, type LabelledPrompt, stratifiedFolds } from "../../src/statistics/folds.ts";

const label = (toxic: boolean) => (toxic ? ("toxic" as const) : ("seemingly_toxic" as const));
const of = (kind: string, toxic: number, seeming: number): LabelledPrompt[] => [
  ...Array.from({ length: toxic }, () => ({ label: label(true), kind })),
  ...Array.from({ length: seeming }, () => ({ label: label(false), kind })),
];

/** What must hold of all folds: a partition, both labels in each, and no group in two. */
function check(prompts: readonly LabelledPrompt[], { folds, groupOf, groups }: Folds): void {
  expect(folds.flat().toSorted((a, b) => a - b)).toEqual([...prompts.keys()]);
  expect(folds.length).toBeGreaterThanOrEqual(2);
  expect(folds.length).toBeLessThanOrEqual(5);
  for (const fold of folds) expect(new Set(fold.map((i) => prompts[i].label)).size).toBe(2);
  for (let g = 0; g < groups; g++) {
    expect(folds.filter((fold) => fold.some((i) => groupOf[i] === g)).length).toBe(1);
  }
}

describe("stratified folds", () => {
  it("hold both labels and whole categories, whatever the categories are", () => {
    const categories = fc.array(
      fc.record({ toxic: fc.integer({ min: 0, max: 9 }), seeming: fc.integer({ min: 0, max: 9 }) }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(categories, fc.integer({ min: 0, max: 9 }), (sizes, seed) => {
        const prompts = sizes.flatMap(({ toxic, seeming }, i) => of(`k${i}`, toxic, seeming));
        const found = stratifiedFolds(prompts, seed);
        const both = sizes.filter(({ toxic, seeming }) => toxic && seeming).length;
        const toxic = sizes.filter(({ toxic, seeming }) => toxic && !seeming).length;
        const seeming = sizes.filter(({ toxic, seeming }) => !toxic && seeming).length;
        const possible = both + Math.min(toxic, seeming);
        if (found) check(prompts, found);
        if (possible >= 2) {
          expect(found?.unit).toBe("category");
          expect(found?.folds.length).toBe(Math.min(5, possible));
        } else if (found) expect(found.unit).toBe("pair");
      }),
    );
  });

  it("keep a category of XSTest together with its unsafe side", () => {
    const names = [
      "homonyms",
      "contrast_homonyms",
      "privacy_public",
      "privacy_fictional",
      "contrast_privacy",
    ];
    const prompts = [...names, "real_group_nons_discr", "nons_group_real_discr", "contrast_discr"].flatMap(
      (kind) => of(kind, kind.startsWith("contrast_") ? 3 : 0, kind.startsWith("contrast_") ? 0 : 3),
    );
    const found = stratifiedFolds(prompts, 0) as Folds;
    check(prompts, found);
    expect(found).toMatchObject({ unit: "category", groups: 3 });
    expect(found.folds.length).toBe(3);
  });

  it("keep matched pairs together, also across categories and with a side that has none", () => {
    const pair = (name: string, toxic: string | undefined, seeming: string | undefined): LabelledPrompt[] => [
      { label: label(true), pair: name, ...(toxic && { kind: toxic }) },
      { label: label(false), pair: name, ...(seeming && { kind: seeming }) },
    ];
    const prompts = [
      ...pair("p", "a", "b"),
      ...of("a", 2, 0),
      ...of("b", 0, 2),
      ...pair("q", "c", undefined),
      ...pair("r", undefined, undefined),
    ];
    const found = stratifiedFolds(prompts, 0) as Folds;
    check(prompts, found);
    expect(found.groups).toBe(3);
    expect(found.folds.length).toBe(3);
  });

  it("are about equally large, and the same for the same seed alone", () => {
    const prompts = Array.from({ length: 18 }, (_, k) => of(`k${k}`, k < 8 ? 25 : 0, k < 8 ? 0 : 25)).flat();
    const found = stratifiedFolds(prompts, 3) as Folds;
    check(prompts, found);
    expect(found.folds.map((fold) => fold.length).toSorted((a, b) => a - b)).toEqual([75, 75, 100, 100, 100]);
    expect(stratifiedFolds(prompts, 3)).toEqual(found);
    expect(stratifiedFolds(prompts, 4)?.folds).not.toEqual(found.folds);
  });

  it.each([
    ["one category per label", [...of("a", 6, 0), ...of("b", 0, 6)]],
    ["a single category", of("a", 6, 6)],
    ["a mixed category and one of one label", [...of("a", 6, 6), ...of("b", 6, 0)]],
  ])("hold out pairs and prompts, and say so, with %s", (_, prompts) => {
    const found = stratifiedFolds(prompts, 0) as Folds;
    check(prompts, found);
    expect(found).toMatchObject({ unit: "pair", groups: prompts.length });
  });

  it("are none where one label has nothing to hold out", () => {
    expect(stratifiedFolds([...of("a", 1, 0), ...of("b", 0, 6)], 0)).toBeNull();
    const one = { pair: "p" };
    const prompts = [label(true), label(true), label(false)].map((each) => ({ label: each, ...one }));
    expect(stratifiedFolds([...prompts, { label: label(false) }], 0)).toBeNull();
  });
});
