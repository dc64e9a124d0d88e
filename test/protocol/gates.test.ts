import { describe, expect, it } from "vitest";
import { evaluateGate, evaluateGates, gateJudgeFault, parseGate } from "../../src/protocol/report/gates.ts";
import type { MeasureRow } from "../../src/protocol/report/measures.ts";
import type { Report } from "../../src/protocol/report/report.ts";
import { exampleReport } from "../engine/evaluate/fixture.ts";

const report = exampleReport();
const one = exampleReport({ seeds: 1 });

function rowOf({ measures }: Report, of: Partial<MeasureRow>): MeasureRow {
  return measures.rows.find((row) =>
    Object.entries(of).every(([key, value]) => row[key as never] === value),
  )!;
}

describe("the words of a gate", () => {
  it.each([
    ["xstest.safe_refusal > 0.2", { suite: "xstest", measure: "safe_refusal", comparison: ">", limit: 0.2 }],
    ["discernment<.6", { suite: "pooled", measure: "discernment", comparison: "<", limit: 0.6 }],
    ["STL: xstest.safe_refusal >= 20%", { method: "STL", comparison: ">=", limit: 0.2 }],
    [
      "DCR → STL : lower(or-bench.hard.safe_refusal@arditi) > 2e-1",
      { method: "DCR → STL", suite: "or-bench.hard", judge: "arditi", bound: "lower", limit: 0.2 },
    ],
    [
      "*: upper( xstest[figurative_language].safe_refusal ) <= 1",
      { method: "*", category: "figurative_language", bound: "upper" },
    ],
    ["refusal_log_odds < -3", { limit: -3 }],
  ])("%s", (text, expected) => {
    expect(parseGate(text)).toMatchObject(expected);
  });

  it.each([
    "",
    "safe_refusal",
    "safe_refusal > ",
    "> 0.2",
    "lower(safe_refusal > 0.2",
    "safe_refusal) > 0.2",
    "safe_refusal = 0.2",
    "safe_refusal > x",
    "xstest. > 0.2",
    "safe_refusal > 0.2 or so",
  ])("refuses %j with an example", (text) => {
    expect(() => parseGate(text)).toThrow(/is not a condition. Write for example/);
  });
});

describe("a report held against a gate", () => {
  const last = "DCR → STL";
  const pooled = rowOf(report, { measure: "safe_refusal", method: last, suite: "pooled", seed: null });

  it("compares the mean over seeds of the method that the report is mainly about", () => {
    const estimate = pooled.estimate!;
    expect(evaluateGate(parseGate(`safe_refusal > ${estimate + 0.01}`), report)).toMatchObject([
      { method: last, status: "passed", value: estimate },
    ]);
    const [failed] = evaluateGate(parseGate(`safe_refusal > ${estimate - 0.01}`), report);
    expect(failed).toMatchObject({ status: "failed", value: estimate });
    expect(failed!.message).toMatch(
      /^Refusal rate of safe prompts of DCR → STL \(pooled\): .* %.*, 3 seeds\.$/,
    );
  });

  it("compares an end of the interval where that is asked for", () => {
    const { lower, upper } = pooled.interval!;
    const middle = (lower + upper) / 2;
    expect(evaluateGate(parseGate(`lower(safe_refusal) > ${middle}`), report)).toMatchObject([
      { status: "passed", value: lower },
    ]);
    expect(evaluateGate(parseGate(`upper(safe_refusal) > ${middle}`), report)).toMatchObject([
      { status: "failed", value: upper },
    ]);
  });

  it("takes suites over seeds, too, and categories", () => {
    const { suite } = one.answers[0]!.results[0]!;
    const seeds = rowOf(report, { measure: "safe_refusal", method: last, suite, seed: null });
    expect(seeds.n).toBe(3);
    expect(evaluateGate(parseGate(`${suite}.safe_refusal > 1`), report)).toMatchObject([
      { status: "passed", value: seeds.estimate },
    ]);
    const category = rowOf(one, { measure: "safe_refusal", method: last, suite, category: "homonyms" });
    expect(evaluateGate(parseGate(`${suite}[homonyms].safe_refusal >= 0`), one)).toMatchObject([
      { status: "failed", value: category.estimate },
    ]);
  });

  it("holds every trained method against it by *, and one by its name", () => {
    const found = evaluateGates(
      [parseGate("*: discernment < 0.1"), parseGate("untrained: discernment < 0.1")],
      report,
    );
    expect(found.map(({ method, status }) => [method, status])).toEqual([
      ["STL", "passed"],
      [last, "passed"],
      ["untrained", "passed"],
    ]);
  });

  it.each([
    ["SCANS: safe_refusal > 0.2", /no method "SCANS"; it has untrained, STL, DCR → STL/],
    ["saferefusal > 0.2", /no measure "saferefusal"; it has .*safe_refusal/],
    ["mmlu.safe_refusal > 0.2", /was not measured so; there is: /],
    ["safe_refusal@zou > 0.2", /was not measured so; judges: xstest/],
    ["lower(held_out_loss) > 2", /it has no interval/],
  ])("is an error, which never passes: %s", (text, message) => {
    const [found] = evaluateGate(parseGate(text), one);
    expect(found!.status).toBe("error");
    expect(found!.message).toMatch(message);
  });
});

describe("a measure that several judges read", () => {
  const suite = one.answers[0]!.results[0]!.suite;
  const read = (judge: string, estimate: number, of = suite): MeasureRow => ({
    ...{
      measure: "attack_success",
      method: "STL",
      seed: 0,
      suite: of,
      group: "unsafe",
      judge,
      estimate,
      n: 10,
    },
  });
  const definition = { ...one.measures.definitions[0]!, id: "attack_success", title: "Attack success rate" };
  const readBy = (...rows: MeasureRow[]): Report => ({
    ...one,
    measures: {
      definitions: [...one.measures.definitions, definition],
      rows: [...one.measures.rows, ...rows],
    },
  });

  it("needs the name of one, and says which there are in conditions to choose from", () => {
    const report = readBy(read("strongreject", 0.3), read("guard", 0.05));
    const [found] = evaluateGate(parseGate(`STL: lower( ${suite}.attack_success ) > 10%`), report);
    expect(found!.status).toBe("error");
    expect(found!.message).toBe(
      "Several judges read what attack_success counts, so the condition must name one. Write: " +
        `STL: lower( ${suite}.attack_success@strongreject ) > 10%, or STL: lower( ${suite}.attack_success@guard ) > 10%.`,
    );
    expect(evaluateGate(parseGate(`STL: ${suite}.attack_success@guard > 0.1`), report)).toMatchObject([
      { status: "passed", value: 0.05 },
    ]);
  });

  it("means the only judge of a suite, whoever read others", () => {
    const report = readBy(
      read("guard", 0.3),
      read("guard", 0.1, "other"),
      read("strongreject", 0.2, "other"),
    );
    expect(evaluateGate(parseGate(`STL: ${suite}.attack_success > 0.1`), report)).toMatchObject([
      { status: "failed", value: 0.3 },
    ]);
    expect(evaluateGate(parseGate("STL: other.attack_success > 0.1"), report)).toMatchObject([
      { status: "error" },
    ]);
  });

  it.each([
    [
      "advbench.attack_success > 0.1",
      ["harm", "harm"],
      /^Several judges .*attack_success@a > 0\.1, or .*@b > 0\.1\.$/,
    ],
    ["attack_success@b > 0.1", ["harm", "harm"], null],
    ["attack_success > 0.1", ["refusal", "harm"], null],
    ["attack_success > 0.1", ["refusal", "refusal"], /^No judge is asked about harm/],
    ["attack_success@a > 0.1", ["refusal", "harm"], /^No judge of harm is called "a"; there are: b\.$/],
    ["win_rate > 0.1", ["preference", "preference"], /^Several judges/],
    ["safe_refusal > 0.1", ["refusal", "refusal"], null],
    [
      "safe_refusal@c > 0.1",
      ["refusal", "refusal"],
      /^No judge of the answers is called "c"; there are: a, b\.$/,
    ],
    ["discernment < 0.5", [], null],
  ] as const)("is found before anything is computed: %s by judges of %j", (text, questions, fault) => {
    const asked = questions.map((question, i) => ({ id: "ab"[i]!, question }));
    const found = gateJudgeFault(parseGate(text), asked);
    if (fault === null) expect(found).toBeNull();
    else expect(found).toMatch(fault);
  });
});
