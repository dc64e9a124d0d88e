import { expect, test } from "vitest";
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
