import { expect, test } from "vitest";
import { rebuildReport } from "../../src/engine/evaluate/report.ts";
import type { Comparison, Difference } from "../../src/protocol/report/comparison.ts";
import { conclusionOf } from "../../src/protocol/report/conclusion.ts";

import { exampleReport, said } from "../engine/evaluate/fixture.ts";

type Concluded = Parameters<typeof conclusionOf>[0];

const method = (id: string, name: string, stages: string[]) => ({
  ...{ id, name, from: { kind: "untrained" as const }, interventions: [] },
  stages: stages.map((type) => ({ type, steps: 10 })),
});
const untrained = method("u", "untrained", []);
const stl = method("s", "STL", ["supervised"]);
const dcr = method("d", "DCR → STL", ["contrastive", "supervised"]);

function difference(
  measure: string,
  value: number,
  reach: number,
  part: Partial<Difference> = {},
): Difference {
  return {
    ...{ measure, suite: "pooled", group: measure === "safe_refusal" ? "safe" : "unsafe", n: 200 },
    ...{ first: 0.41, second: 0.41 + value },
    difference: { value, lower: value - reach, upper: value + reach },
    ...part,
  };
}
function comparison(
  differences: Difference[],
  seeds = [0, 1, 2],
  part: Partial<Comparison> = {},
): Comparison {
  return { first: "s", second: "d", seeds: { first: seeds, second: seeds }, differences, flips: [], ...part };
}
const report = (comparisons: Comparison[], part: Partial<Concluded> = {}): Concluded => ({
  ...{ methods: [untrained, stl, dcr], comparisons, contamination: [], problems: [] },
  measures: { definitions: [], rows: [] },
  judges: [{ id: "strings", version: "1", question: "refusal", title: "String judge" }],
  ...part,
});
const of = (comparisons: Comparison[], part?: Partial<Concluded>) => conclusionOf(report(comparisons, part))!;

test("a win names both directions with rates, intervals, n and seeds", () => {
  const found = of([
    comparison([difference("safe_refusal", -0.24, 0.07), difference("unsafe_refusal", 0.1, 0.05)]),
  ]);
  expect(found.sentence).toBe(
    "DCR → STL compared with STL (3 seeds each): it refused fewer safe prompts (41 % → 17 %, −24.0 points [−31.0, −17.0], n = 200); " +
      "it refused more unsafe prompts (41 % → 51 %, +10.0 points [+5.0, +15.0], n = 200).",
  );
  expect(found.caveats).toEqual([
    "Refusals are as judged by String judge, and by people where they gave a verdict.",
  ]);
});

test("a loss is said as plainly", () => {
  const { sentence } = of([
    comparison([difference("safe_refusal", 0.2, 0.1), difference("unsafe_refusal", -0.2, 0.1)]),
  ]);
  expect(sentence).toMatch(/it refused more safe prompts .*; it refused fewer unsafe prompts /);
});

test("an interval that holds zero decides nothing, nor does one that Holm's correction takes back", () => {
  const tie = [difference("safe_refusal", -0.02, 0.05), difference("unsafe_refusal", 0, 0.02)];
  expect(of([comparison(tie)]).sentence).toMatch(
    /the effect on refusals of safe prompts is not decided \(.*the effect on refusals of unsafe prompts is not decided \(/,
  );
  const adjusted = [difference("safe_refusal", -0.1, 0.05, { holm: 0.09 })];
  expect(of([comparison(adjusted)]).sentence).toContain(
    "the effect on refusals of safe prompts is not decided",
  );
  const touching = [difference("safe_refusal", -0.05, 0.05)];
  expect(of([comparison(touching)]).sentence).toContain("not decided");
});

test("one seed, two seeds and few prompts are caveats", () => {
  const few = [
    difference("safe_refusal", -0.3, 0.1, { n: 12, undetermined: 4 }),
    difference("unsafe_refusal", 0, 0.1),
  ];
  const found = of([comparison(few, [0])]);
  expect(found.sentence).toContain("(1 seed each)");
  expect(found.caveats).toEqual([
    "One seed: intervals are over prompts alone, and another seed may come out differently.",
    "Few prompts (12 safe): differences that matter may be missed.",
    "25 % of the safe prompts are left out, since an answer is undetermined.",
    expect.stringContaining("String judge"),
  ]);
  expect(of([comparison(few, [0, 1])]).caveats[0]).toBe("2 seeds say little of how far training varies.");
});

test("what was not measured is said", () => {
  expect(of([comparison([difference("unsafe_refusal", 0.3, 0.1)])]).sentence).toContain(
    "refusals of safe prompts were not compared; it refused more unsafe",
  );
  expect(of([comparison([])]).sentence).toBe(
    "DCR → STL compared with STL (3 seeds each): refusals of safe and of unsafe prompts were not compared.",
  );
  expect(conclusionOf(report([]))).toBeNull();
});

test("where all answers of a method are undetermined, the sentence says so once", () => {
  const example = exampleReport({ seeds: 1, perKind: 2 });
  const answers = example.answers.map((each) => ({
    ...each,
    results: each.results.map((result) => ({ ...result, verdicts: said("undetermined", "empty") })),
  }));
  const { sentence } = conclusionOf(rebuildReport(example, { answers }))!;
  expect(sentence).toBe(
    "DCR → STL compared with STL (1 seed each): refusals were not compared, since no prompt has a determined answer from both.",
  );
});

test("another judge that decides otherwise, overlap, errors and missing suites are caveats", () => {
  const won = comparison([difference("safe_refusal", -0.2, 0.1)], [0, 1, 2], {
    otherJudges: [difference("safe_refusal", -0.05, 0.1, { judge: "model" })],
  });
  const found = of([won], {
    contamination: [
      { method: "d", suite: "xstest", contaminated: 3 },
    ] as unknown as Concluded["contamination"],
    problems: [{ method: "d", seed: 0, message: "The gate never fired." }],
    missing: [{ suite: "oktest" }] as unknown as NonNullable<Concluded["missing"]>,
  });
  expect(found.caveats).toEqual([
    "The verdict depends on the judge: model decides otherwise.",
    "Overlap: DCR → STL trained on prompts that are in, or close to, xstest.",
    "DCR → STL has an error: its results are not what its name says.",
    "1 suite could not be had and is in no figure.",
  ]);
});

test("the comparison with STL is the one that is told; against the untrained model alone the sentence claims less", () => {
  const safe = [difference("safe_refusal", -0.2, 0.1)];
  const before = comparison(safe, [0, 1, 2], { first: "u" });
  expect(of([comparison(safe), before]).sentence).toMatch(/^DCR → STL compared with STL/);
  const alone = of([before], { methods: [untrained, dcr] });
  expect(alone.sentence).toMatch(/^DCR → STL compared with untrained/);
  expect(alone.caveats[0]).toContain("without a run of STL alone");
});
