import { expect, test } from "vitest";
import { evaluatedNeighbours } from "../../../src/engine/evaluate/evaluatedNeighbours.ts";
import { drawFailures, redrawnFailures } from "../../../src/engine/evaluate/failures.ts";
import { outcomeOf } from "../../../src/protocol/report/verdicts.ts";
import { exampleReport } from "./fixture.ts";

const report = exampleReport({ seeds: 2 });
const resultOf = (one: { method: string; seed: number; suite: string; id: string }) =>
  report.answers
    .find(({ method, seed }) => method === one.method && seed === one.seed)!
    .results.find(({ suite, id }) => suite === one.suite && id === one.id)!;

test("cases are failures of the first seed, counted in their category, at most two of each, the same each time", () => {
  const cases = drawFailures(report);
  expect(cases.length).toBeGreaterThan(4);
  expect(drawFailures(report)).toEqual(cases);
  for (const one of cases) {
    const result = resultOf(one);
    const own = report.answers.find(({ method, seed }) => method === one.method && seed === one.seed)!;
    const unsafe = one.kind === "under_refusal";
    const failing = unsafe ? "complied" : "refused";
    expect([result.unsafe, outcomeOf(result, "xstest")]).toEqual([unsafe, failing]);
    const category = own.results.filter(
      (each) => each.suite === one.suite && (each.kind ?? null) === one.category && each.unsafe === unsafe,
    );
    expect(one.of).toBe(category.length);
    expect(one.failed).toBe(category.filter((each) => outcomeOf(each, "xstest") === failing).length);
    expect(one.others.map(({ method }) => method)).toEqual(
      report.methods.map(({ id }) => id).filter((id) => id !== one.method),
    );
    for (const { method, outcome } of one.others) {
      expect(outcome).toBe(outcomeOf(resultOf({ ...one, method }), "xstest"));
    }
  }
  const perCategory = Map.groupBy(cases, ({ method, kind, suite, category }) =>
    JSON.stringify([method, kind, suite, category]),
  );
  expect(Math.max(...[...perCategory.values()].map((some) => some.length))).toBe(2);
});

test("a case has what its method did with the counterpart, or else the nearest prompt of the other side, and with the nearest of its own", () => {
  const words = ({ prompt }: { prompt: string }) => /How do I (.+) in \d+|Can I (.+) with \d+/.exec(prompt)!;
  let counterparts = 0;
  for (const one of drawFailures(report)) {
    const result = resultOf(one);
    const [other, own] = one.evaluated!;
    expect(one.evaluated!.map(({ unsafe }) => unsafe)).toEqual([!result.unsafe, result.unsafe]);
    for (const like of one.evaluated!) {
      const asked = resultOf({ ...one, ...like });
      expect([asked.unsafe, outcomeOf(asked, "xstest"), asked.refusalProbability]).toEqual([
        ...[like.unsafe, like.outcome, like.refusalProbability],
      ]);
      expect(like.similarity).toBeGreaterThan(0);
    }
    // Only the files of XSTest name counterparts here.
    expect(other!.counterpart).toBe(one.suite === "XSTest");
    if (other!.counterpart) {
      counterparts++;
      expect(resultOf({ ...one, ...other! }).pair).toBe(result.pair);
    }
    expect(own!.counterpart).toBe(false);
    expect(own!.id).not.toBe(one.id);
    // In the same frame nothing is more like it than the same words with another number.
    expect(words(resultOf({ ...one, ...own! })).slice(1)).toEqual(words(result).slice(1));
  }
  expect(counterparts).toBeGreaterThan(0);
});

test("a counterpart comes before a prompt that is more like it, and holds in its own suite alone", () => {
  const own = report.answers.find(({ method }) => method === "STL")!;
  const safe = (one: { unsafe: boolean }) => !one.unsafe;
  const first = own.results.find((one) => one.suite === "XSTest" && safe(one))!;
  const [asked, far] = [
    { ...first, pair: "1" },
    { ...first, id: "far", prompt: "Who rules?", unsafe: true },
  ];
  const near = { ...asked, id: "near", prompt: `${asked.prompt} Now.`, unsafe: true, pair: "2" };
  const found = (pair: string, suite: string) => {
    const results = [asked, near, { ...far, pair, suite }];
    return evaluatedNeighbours([{ ...own, results }], "xstest")({ ...own, results })(asked);
  };
  expect(found("1", "XSTest")).toMatchObject([{ id: "far", counterpart: true }]);
  expect(found("1", "OKTest")).toMatchObject([{ id: "near", counterpart: false }]);
  expect(found("3", "XSTest")).toMatchObject([{ id: "near", counterpart: false }]);
});

test("only prompts that the method was asked are its neighbours", () => {
  const [first, ...others] = report.answers;
  const results = first!.results.filter(({ unsafe }) => !unsafe);
  const neighboursOf = evaluatedNeighbours(report.answers, "xstest");
  for (const result of results.slice(0, 5)) {
    expect(neighboursOf({ ...first!, results })(result).map(({ unsafe }) => unsafe)).toEqual([false]);
    expect(neighboursOf(others[0]!)(result)).toHaveLength(2);
  }
});

test("a case that a person judges to be none is drawn no more; those that stay keep their training prompts", () => {
  const nearest = [{ prompt: "p", label: "toxic", similarity: 0.5 }];
  const known = drawFailures(report).map((one) => ({ ...one, nearest }));
  const [first] = known;
  const answers = report.answers.map((own) =>
    own.method === first!.method && own.seed === first!.seed
      ? {
          ...own,
          results: own.results.map((result) =>
            result.suite === first!.suite && result.id === first!.id
              ? {
                  ...result,
                  human:
                    first!.kind === "over_refusal" ? ("full_compliance" as const) : ("full_refusal" as const),
                }
              : result,
          ),
        }
      : own,
  );
  const drawn = redrawnFailures(known, { ...report, answers });
  const isFirst = ({ method, suite, id }: { method: string; suite: string; id: string }) =>
    method === first!.method && suite === first!.suite && id === first!.id;
  expect(drawn.some(isFirst)).toBe(false);
  expect(drawn.some((one) => one.nearest.length === 1)).toBe(true);
  const sibling = drawn.find(
    ({ method, kind, suite, category }) =>
      method === first!.method &&
      kind === first!.kind &&
      suite === first!.suite &&
      category === first!.category,
  );
  if (sibling) expect(sibling.failed).toBe(first!.failed - 1);
});

test("what a person says of a neighbour's answer is what the case has of it", () => {
  const [one] = drawFailures(report);
  const [like] = one!.evaluated!;
  const human = like!.outcome === "refused" ? ("full_compliance" as const) : ("full_refusal" as const);
  const answers = report.answers.map((own) => ({
    ...own,
    results: own.results.map((result) =>
      result.suite === like!.suite && result.id === like!.id ? { ...result, human } : result,
    ),
  }));
  const drawn = redrawnFailures([], { ...report, answers });
  const again = drawn.find((each) => each.method === one!.method && each.id === one!.id);
  expect(again!.evaluated![0]).toEqual({
    ...like!,
    outcome: human === "full_refusal" ? "refused" : "complied",
  });
});
