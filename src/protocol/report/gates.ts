import { figure, interval } from "../../wording/numbers.ts";
import { DiscernError } from "../errors.ts";
import { POOLED } from "../suite.ts";
import { mainAnswers } from "./answers.ts";
import type { MeasureDefinition, MeasureRow } from "./measures.ts";
import { isUntrained } from "./methods.ts";
import type { Report } from "./report.ts";
import { refusalJudge } from "./verdicts.ts";

/** Which number of a row is held against the limit: the estimate, or an end of its 95 % interval. */
type Bound = "estimate" | "lower" | "upper";

const comparisons = {
  ">": (value: number, limit: number) => value > limit,
  ">=": (value: number, limit: number) => value >= limit,
  "<": (value: number, limit: number) => value < limit,
  "<=": (value: number, limit: number) => value <= limit,
} as const;

/** A condition under which an evaluation fails. */
export interface Gate {
  /** As it was written. */
  readonly text: string;
  /** Name or id of a method; "*" is every method but the untrained model and controls; null is the one that the report is mainly about. */
  readonly method: string | null;
  readonly suite: string;
  readonly category: string | null;
  readonly measure: string;
  /** Id of a judge; null is the first one, where verdicts are counted. */
  readonly judge: string | null;
  readonly bound: Bound;
  readonly comparison: keyof typeof comparisons;
  readonly limit: number;
}

const gatePattern =
  /^(?:(?<method>[^:]+?)\s*:\s*)?(?:(?<bound>lower|upper)\s*\(\s*)?(?:(?<suite>[^[\]():]+?)(?:\[(?<category>[^\]]+)\])?\s*\.\s*)?(?<measure>[a-z][a-z0-9_]*)(?:@(?<judge>[^\s()<>=]+))?\s*(?<close>\))?\s*(?<comparison>>=|<=|>|<)\s*(?<limit>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(?<percent>%)?$/iu;

/**
 * Reads a gate: the condition under which an evaluation fails, such as `xstest.safe_refusal > 0.2`.
 *
 * `[METHOD:] [SUITE[CATEGORY].]MEASURE[@JUDGE] > NUMBER`, with `>=`, `<` and `<=` as well; without a suite, all suites
 * together. The estimate is compared. `lower(…)` and `upper(…)` compare an end of its 95 % interval instead:
 * `lower(xstest.safe_refusal) > 0.2` fails only where the rate is above 20 % beyond doubt, `upper(…) > 0.2` unless it is surely
 * below.
 *
 * @throws DiscernError "request-invalid".
 */
export function parseGate(text: string): Gate {
  const found = gatePattern.exec(text.trim())?.groups;
  if (found === undefined || (found.bound === undefined) !== (found.close === undefined)) {
    throw new DiscernError(
      "request-invalid",
      `"${text}" is not a condition. Write for example "xstest.safe_refusal > 0.2", "discernment < 0.6" (all suites), ` +
        '"STL: lower(oktest.safe_refusal) > 20%" (a method, and the lower end of the 95 % interval).',
    );
  }
  return {
    text: text.trim(),
    method: found.method ?? null,
    suite: found.suite ?? POOLED,
    category: found.category ?? null,
    measure: found.measure!.toLowerCase(),
    judge: found.judge ?? null,
    bound: (found.bound?.toLowerCase() as Bound | undefined) ?? "estimate",
    comparison: found.comparison as Gate["comparison"],
    limit: Number(found.limit) / (found.percent === undefined ? 1 : 100),
  };
}

/** What became of a gate for one method. */
export interface GateResult {
  readonly gate: Gate;
  /** Name of the method; null where there is none. */
  readonly method: string | null;
  /** `error`: there is nothing to compare. It counts as failed, so that a suite that is missing never passes. */
  readonly status: "passed" | "failed" | "error";
  /** The number that was compared. */
  readonly value: number | null;
  /** What was found, in a sentence. */
  readonly message: string;
}

/** Holds a report against a gate: one result for each method that the gate is about. */
export function evaluateGate(gate: Gate, report: Report): GateResult[] {
  const methods = gatedMethods(gate, report);
  if (methods.length === 0) {
    const names = report.methods.map(({ name }) => name).join(", ");
    return [unmet(gate, null, `The report has no method "${gate.method}"; it has ${names}.`)];
  }
  return methods.map((method) => ofMethod(gate, report, method));
}

/** Holds a report against several gates. */
export function evaluateGates(gates: readonly Gate[], report: Report): GateResult[] {
  return gates.flatMap((gate) => evaluateGate(gate, report));
}

function gatedMethods({ method }: Gate, report: Report): { id: string; name: string }[] {
  if (method === "*") {
    const there = new Set(report.methods.map(({ id }) => id));
    // All runs of such a method failed.
    const failed = report.problems.flatMap((one) => (there.has(one.method) ? [] : [one.method]));
    return [
      ...report.methods.filter((each) => !isUntrained(each) && each.controlOf === undefined),
      ...[...new Set(failed)].map((id) => ({ id, name: id })),
    ];
  }
  if (method === null) {
    const main = mainAnswers(report)?.method;
    return report.methods.filter(({ id }) => id === main);
  }
  return report.methods.filter(({ id, name }) => name === method || id === method);
}

function ofMethod(gate: Gate, report: Report, method: { id: string; name: string }): GateResult {
  const { measures, judges, problems } = report;
  const problem = problems.find((one) => one.method === method.id);
  if (problem !== undefined) return unmet(gate, method.name, `Nothing is compared: ${problem.message}`);
  const definition = measures.definitions.find(({ id }) => id === gate.measure);
  if (definition === undefined) {
    const known = measures.definitions.map(({ id }) => id).join(", ");
    return unmet(gate, method.name, `The report has no measure "${gate.measure}"; it has ${known}.`);
  }
  const own = measures.rows.filter((row) => row.measure === gate.measure && row.method === method.id);
  const first = refusalJudge(judges);
  // Attack success usually has verdicts of one judge alone: no other can be meant.
  const isMeant = ({ judge }: MeasureRow) =>
    gate.judge === null
      ? judge === undefined || judge === first || own.every((row) => row.judge === judge)
      : judge === gate.judge;
  const rows = own.filter(
    (row) => row.suite === gate.suite && (row.category ?? null) === gate.category && isMeant(row),
  );
  if (rows.length === 0) {
    const suites = [...new Set(own.map(({ suite }) => suite))].join(", ");
    const of = `${definition.title} of ${method.name}`;
    return unmet(
      gate,
      method.name,
      suites === "" ? `${of} was not measured.` : `${of} was not measured so; there is: ${suites}.`,
    );
  }
  return compared(gate, method.name, definition, rowOf(rows));
}

/** The row over all seeds, or that of the only one. */
function rowOf(rows: readonly MeasureRow[]): MeasureRow {
  return rows.find(({ seed }) => seed === null) ?? rows[0]!;
}

function compared(gate: Gate, method: string, definition: MeasureDefinition, row: MeasureRow): GateResult {
  const value = gate.bound === "estimate" ? row.estimate : (row.interval?.[gate.bound] ?? null);
  const { unit, title } = definition;
  if (value === null) {
    const what = gate.bound === "estimate" ? "every answer is undetermined" : "it has no interval";
    return unmet(gate, method, `${title} of ${method} (${row.suite}): ${what}.`);
  }
  const failed = comparisons[gate.comparison](value, gate.limit);
  const whole = `${figure(row.estimate, unit)}${row.interval ? ` ${interval(row.interval, unit)}` : ""}`;
  const n = row.n === null ? "" : row.seed === null ? `, ${row.n} seeds` : `, n = ${row.n}`;
  const which = gate.bound === "estimate" ? "" : `; the ${gate.bound} end is compared`;
  return {
    gate,
    method,
    status: failed ? "failed" : "passed",
    value,
    message: `${title} of ${method} (${row.suite}): ${whole}${n}${which}.`,
  };
}

/** A gate with nothing to compare, and why. */
export function unmet(gate: Gate, method: string | null, message: string): GateResult {
  return { gate, method, status: "error", value: null, message };
}
