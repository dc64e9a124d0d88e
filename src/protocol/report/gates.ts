import { figure, interval } from "../../wording/numbers.ts";
import { DiscernError } from "../errors.ts";
import { POOLED } from "../suite.ts";
import { mainAnswers } from "./answers.ts";
import { judgedOtherwise } from "./coreMeasures.ts";
import type { MeasureDefinition, MeasureRow } from "./measures.ts";
import { isUntrained } from "./methods.ts";
import type { Report } from "./report.ts";
import { type Question, refusalJudge } from "./verdicts.ts";

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
  /** Id of a judge; null is the first one of refusal, or the only one that was asked what the measure counts. */
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
  const there = own.filter((row) => row.suite === gate.suite && (row.category ?? null) === gate.category);
  const readers = [...new Set(there.flatMap(({ judge }) => judge ?? []))];
  const first = refusalJudge(judges);
  const usual = there.filter(({ judge }) => judge === undefined || judge === first);
  if (gate.judge === null && usual.length === 0 && readers.length > 1) {
    return unmet(gate, method.name, severalJudges(gate, readers));
  }
  const rows =
    gate.judge !== null
      ? there.filter(({ judge }) => judge === gate.judge)
      : usual.length > 0
        ? usual
        : there;
  if (rows.length === 0) {
    const of = `${definition.title} of ${method.name}`;
    const known = there.length > 0 ? readers : [...new Set(own.map(({ suite }) => suite))];
    const what = there.length > 0 ? "judges" : "there is";
    return unmet(
      gate,
      method.name,
      known.length === 0
        ? `${of} was not measured.`
        : `${of} was not measured so; ${what}: ${known.join(", ")}.`,
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

/**
 * What is wrong with a gate by the judges that are going to read the answers, in a sentence; null where nothing is: it names a judge that is not
 * among them, or none where several are asked what its measure counts.
 *
 * @param asked what each judge is asked.
 */
export function gateJudgeFault(
  gate: Gate,
  asked: readonly { readonly id: string; readonly question: Question }[],
): string | null {
  const question = Object.hasOwn(judgedOtherwise, gate.measure) ? judgedOtherwise[gate.measure]! : null;
  if (gate.judge !== null) {
    const fitting = asked.filter((judge) => question === null || judge.question === question);
    if (fitting.some(({ id }) => id === gate.judge)) return null;
    const known =
      fitting.length > 0 ? `there are: ${fitting.map(({ id }) => id).join(", ")}` : "there is none";
    return `No judge of ${question === null ? "the answers" : question} is called "${gate.judge}"; ${known}.`;
  }
  if (question === null) return null;
  const readers = asked.filter((judge) => judge.question === question).map(({ id }) => id);
  if (readers.length > 1) return severalJudges(gate, readers);
  return readers.length === 1
    ? null
    : `No judge is asked about ${question}, so ${gate.measure} is not measured. Add one to the judges.`;
}

/** Why a gate is not clear that several judges could be meant by, with the conditions to choose from. */
function severalJudges({ text, measure }: Gate, readers: readonly string[]): string {
  const named = readers.map((id) => text.replace(measureOf, (_, name, rest) => `${name}@${id}${rest}`));
  return `Several judges read what ${measure} counts, so the condition must name one. Write: ${named.join(", or ")}.`;
}

/** The measure of a condition that names no judge, and what stands behind it. */
const measureOf = /([a-z][a-z0-9_]*)(\s*\)?\s*(?:>=|<=|>|<)[^<>=]*)$/iu;

/** A gate with nothing to compare, and why. */
export function unmet(gate: Gate, method: string | null, message: string): GateResult {
  return { gate, method, status: "error", value: null, message };
}
