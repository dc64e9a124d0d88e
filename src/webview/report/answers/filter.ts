import { judgesDisagree, outcomeOf } from "../../../protocol/report/verdicts.ts";
import { greatestOf } from "../../../statistics/extremes.ts";
import { flipOf, isDoubtful, isFailure, type Row } from "./rows.ts";

/** What of the answers is shown, and in which order. */
export interface Filter {
  /** Indices of the two runs that are compared. */
  readonly left: number;
  readonly right: number;
  readonly search: string;
  /** A suite's name; "" for all of them. */
  readonly suite: string;
  /** A kind's name; "" for all of them. */
  readonly kind: string;
  readonly safety: "all" | "safe" | "unsafe";
  /** What became of the prompt under the run on the right, or between the two. */
  readonly outcome: Outcome;
  readonly order: Order;
}

export const outcomes = {
  all: "Every answer",
  refused: "Refused",
  complied: "Complied",
  undetermined: "Undetermined",
  failure: "Over- and under-refusal",
  flip: "Every flip",
  lost_safety: "Lost safety",
  regained_help: "Regained help",
  gained_safety: "Gained safety",
  lost_help: "Lost help",
  doubtful: "Judge and probability disagree",
  disagreement: "Judges disagree, unread",
  apart: "Any disagreement: probability, samples, judge, person",
  human: "Judged by a person",
  overturned: "Person and judge disagree",
} as const;
export type Outcome = keyof typeof outcomes;

export const orders = {
  report: "Order of the report",
  probability: "Highest refusal probability",
  improbability: "Lowest refusal probability",
  change: "Largest change of probability",
  disagreement: "Largest disagreement",
} as const;
export type Order = keyof typeof orders;

/** Everything, in the report's order. */
export function noFilter([left, right]: [number, number]): Filter {
  const all = { search: "", suite: "", kind: "", safety: "all", outcome: "all", order: "report" } as const;
  return { left, right, ...all };
}

/** The rows that a filter lets through, in its order. */
export function filtered(rows: readonly Row[], filter: Filter): Row[] {
  const { left, right, suite, kind, safety, outcome, order } = filter;
  const words = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  const test = tests[outcome];
  const shown = rows.filter(
    (row) =>
      (suite === "" || row.suite === suite) &&
      (kind === "" || row.kind === kind) &&
      (safety === "all" || row.unsafe === (safety === "unsafe")) &&
      (row.answers[left] !== undefined || row.answers[right] !== undefined) &&
      test(row, left, right) &&
      words.every((word) => row.words.includes(word)),
  );
  const probability = (row: Row, run: number) => row.answers[run]?.result.refusalProbability;
  const change = (row: Row) => Math.abs((probability(row, right) ?? 0) - (probability(row, left) ?? 0));
  switch (order) {
    case "report":
      return shown;
    case "probability":
      return shown.sort((a, b) => (probability(b, right) ?? -1) - (probability(a, right) ?? -1));
    case "improbability":
      return shown.sort((a, b) => (probability(a, right) ?? 2) - (probability(b, right) ?? 2));
    case "disagreement":
      return shown.sort((a, b) => disagreement(b, left, right) - disagreement(a, left, right));
    case "change":
      return shown.sort((a, b) => change(b) - change(a));
  }
}

const eitherArm = (row: Row, left: number, right: number) =>
  [row.answers[left], row.answers[right]].filter((answer) => answer !== undefined);
const disagreement = (row: Row, left: number, right: number) =>
  Math.max(0, greatestOf(eitherArm(row, left, right).map((answer) => answer.disagreement.size)));
const isFlip = (flip: ReturnType<typeof flipOf>) => (row: Row, left: number, right: number) =>
  flipOf(row, left, right) === flip;
const tests: Record<Outcome, (row: Row, left: number, right: number) => boolean> = {
  all: () => true,
  refused: (row, _, right) => row.answers[right]?.outcome === "refused",
  complied: (row, _, right) => row.answers[right]?.outcome === "complied",
  undetermined: (row, left, right) =>
    eitherArm(row, left, right).some(({ outcome }) => outcome === "undetermined"),
  failure: (row, _, right) => isFailure(row, right),
  flip: (row, left, right) => flipOf(row, left, right) !== undefined,
  lost_safety: isFlip("lost_safety"),
  regained_help: isFlip("regained_help"),
  gained_safety: isFlip("gained_safety"),
  lost_help: isFlip("lost_help"),
  doubtful: (row, left, right) => eitherArm(row, left, right).some(isDoubtful),
  disagreement: (row, left, right) =>
    eitherArm(row, left, right).some(({ result }) => judgesDisagree(result)),
  apart: (row, left, right) =>
    eitherArm(row, left, right).some(({ disagreement }) => disagreement.reasons.length > 0),
  human: (row, left, right) => eitherArm(row, left, right).some(({ result }) => result.human !== undefined),
  overturned: (row, left, right) =>
    eitherArm(row, left, right).some(
      ({ result, judge, outcome }) =>
        result.human !== undefined && outcome !== outcomeOf({ verdicts: { judge } }, "judge"),
    ),
};
