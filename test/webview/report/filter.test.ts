import { describe, expect, test } from "vitest";
import type { MethodAnswers, PromptResult } from "../../../src/protocol/report/answers.ts";
import type { RefusalVerdict } from "../../../src/protocol/report/verdicts.ts";
import { humanAgreement } from "../../../src/webview/report/agreement.ts";
import { type Filter, filtered, noFilter } from "../../../src/webview/report/answers/filter.ts";
import { flipOf, isFailure, rowsOf } from "../../../src/webview/report/answers/rows.ts";
import { verdictText } from "../../../src/webview/report/answers/verdict.tsx";
import { defaultPair, runTitle } from "../../../src/webview/report/runs.ts";
import { answerPlace } from "../../../src/webview/report/state.ts";
import { said, testMethod } from "../../engine/evaluate/fixture.ts";

/** Answers written as "id safety verdict probability", such as "a u r .9": prompt a, unsafe, refused. */
function answersOf(method: string, answers: string[], seed = 0): MethodAnswers {
  const results = answers.map((text): PromptResult => {
    const [id = "", safety, verdict, probability] = text.split(" ");
    return {
      id,
      suite: id < "m" ? "early" : "late",
      prompt: `Prompt ${id}`,
      unsafe: safety === "u",
      kind: `kind ${safety}`,
      response: `${method} says ${id}`,
      verdicts: said(verdict === "r" ? "full_refusal" : "full_compliance"),
      refusalProbability: Number(probability),
      refusalLogOdds: 0,
    };
  });
  return { method, seed, results };
}

const runs = [
  answersOf("stl", ["a u r .9", "b u c .2", "y s r .8", "z s c .6"]),
  answersOf("dcr", ["a u c .1", "b u r .7", "y s c .3", "z s r .9"]),
];
const judgedAs = (index: number, id: string, verdict: RefusalVerdict | null) => {
  const suite = id < "m" ? "early" : "late";
  const spoken = { answers: index, suite, id, verdict, by: "ann", at: "2026-01-01T00:00:00Z" };
  return [answerPlace(index, suite, id), spoken] as const;
};
const rowsFor = (answers: MethodAnswers[], judged: Parameters<typeof rowsOf>[1] = new Map()) =>
  rowsOf(answers, judged, "xstest");
const rows = rowsFor(runs);
const ids = (change: Partial<Filter>, of = rows) =>
  filtered(of, { ...noFilter([0, 1]), ...change })
    .map(({ id }) => id)
    .join("");

describe("rows", () => {
  test("put every run's answers beside each other", () => {
    expect(
      rows.map(({ id, answers }) => [id, ...answers.map((answer) => answer?.outcome === "refused")]),
    ).toEqual([
      ["a", true, false],
      ["b", false, true],
      ["y", true, false],
      ["z", false, true],
    ]);
    const [one] = rowsFor([runs[0]!, answersOf("other", ["q u r .5"])]);
    expect(one!.answers[1]).toBeUndefined();
  });

  test("name flips by what they mean", () => {
    expect(rows.map((row) => flipOf(row, 0, 1))).toEqual([
      "lost_safety",
      "gained_safety",
      "regained_help",
      "lost_help",
    ]);
    expect(flipOf(rows[0]!, 1, 1)).toBeUndefined();
  });

  test("take a person's verdict before the judge's, and give it up when it is taken back", () => {
    const partial = rowsFor(runs, new Map([judgedAs(1, "a", "partial_refusal")]));
    expect(partial[0]!.answers[1]).toMatchObject({
      outcome: "refused",
      judge: { verdict: "full_compliance" },
    });
    expect(flipOf(partial[0]!, 0, 1)).toBeUndefined();
    const carried = structuredClone(runs);
    carried[1]!.results[0]!.human = "full_refusal";
    expect(rowsFor(carried)[0]!.answers[1]!.outcome).toBe("refused");
    expect(rowsFor(carried, new Map([judgedAs(1, "a", null)]))[0]!.answers[1]!.outcome).toBe("complied");
  });
});

describe("filters", () => {
  test.each([
    [{}, "abyz"],
    [{ suite: "late" }, "yz"],
    [{ kind: "kind u" }, "ab"],
    [{ safety: "safe" }, "yz"],
    [{ outcome: "refused" }, "bz"],
    [{ outcome: "complied" }, "ay"],
    [{ outcome: "failure" }, "az"],
    [{ outcome: "flip" }, "abyz"],
    [{ outcome: "lost_safety" }, "a"],
    [{ outcome: "regained_help" }, "y"],
    // The judge says that z was helped with under the first method, though refusing was likelier.
    [{ outcome: "doubtful" }, "z"],
    [{ outcome: "human" }, ""],
    [{ search: "PROMPT b" }, "b"],
    [{ search: "dcr says z" }, "z"],
    [{ order: "probability" }, "zbya"],
    [{ order: "improbability" }, "aybz"],
    [{ order: "change" }, "aybz"],
    [{ left: 1, right: 0, outcome: "gained_safety" }, "a"],
  ] as const)("%o shows %s", (change, expected) => {
    expect(ids(change as Partial<Filter>)).toBe(expected);
  });

  test("find what people judged, and where they overturned the judge", () => {
    const judged = rowsFor(
      runs,
      new Map([judgedAs(0, "a", "full_refusal"), judgedAs(1, "y", "partial_refusal")]),
    );
    expect(ids({ outcome: "human" }, judged)).toBe("ay");
    expect(ids({ outcome: "overturned" }, judged)).toBe("y");
  });

  test("leave the rows they were given as they are", () => {
    ids({ order: "probability" });
    expect(rows.map(({ id }) => id).join("")).toBe("abyz");
  });
});

test("what is undetermined is no flip, no failure and no agreement, and is found", () => {
  const open = rowsFor(runs, new Map([judgedAs(1, "a", "undetermined")]));
  expect(open[0]!.answers[1]!.outcome).toBe("undetermined");
  expect(flipOf(open[0]!, 0, 1)).toBeUndefined();
  expect(isFailure(open[0]!, 1)).toBe(false);
  expect(isFailure(rows[0]!, 1)).toBe(true);
  expect(ids({ outcome: "undetermined" }, open)).toBe("a");
  expect(ids({ outcome: "complied" }, open)).not.toContain("a");
  expect(ids({ outcome: "overturned" }, open)).toBe("a");
  expect(humanAgreement(open)).toMatchObject({ n: 0, share: null, kappa: null, undetermined: 1 });
  expect(verdictText(open[0]!.answers[1]!)).toBe("undetermined");
});

test("people and the judge agree as far as distinct answers say", () => {
  expect(humanAgreement(rows)).toBeUndefined();
  const judged = [
    judgedAs(0, "a", "full_refusal"),
    judgedAs(0, "b", "full_compliance"),
    judgedAs(1, "y", "partial_refusal"),
  ];
  expect(humanAgreement(rowsFor(runs, new Map(judged)))).toMatchObject({
    ...{ n: 3, refused: 1, notRefused: 0, partial: 1 },
    share: 2 / 3,
  });
  // The same words of another method are the same answer.
  const same = [runs[0]!, { ...runs[0]!, method: "again" }];
  const both = new Map([judgedAs(0, "a", "full_refusal"), judgedAs(1, "a", "full_refusal")]);
  expect(humanAgreement(rowsFor(same, both))?.n).toBe(1);
});

test("the last method and the one before it are what is compared, on one seed", () => {
  const named = (method: string, seed: number) => ({ method, seed });
  const all = [named("untrained", 0), named("stl", 0), named("stl", 1), named("dcr", 0), named("dcr", 1)];
  expect(defaultPair(all)).toEqual([2, 4]);
  expect(defaultPair([named("stl", 3), named("dcr", 0)])).toEqual([0, 1]);
  expect(defaultPair([named("only", 0)])).toEqual([0, 0]);
  const known = { methods: ["untrained", "stl", "dcr"].map(testMethod), answers: all };
  expect([runTitle(known, 0), runTitle(known, 2)]).toEqual(["untrained", "stl, seed 1"]);
});

test("answers on which somebody disagrees are listed, the widest gap first", () => {
  // stl: a refused at .9, b complied at .2, y refused at .8, z complied at .6; dcr: a complied at .1, b refused at .7, …
  expect(ids({ outcome: "apart" })).toBe("z");
  // Gaps: z .6, y .3 (dcr), b .3 (dcr), a .1.
  expect(ids({ order: "disagreement" })).toMatch(/^z(yb|by)a$/);
});
