import { counted, figure } from "../../wording/numbers.ts";
import type { Criteria, CriteriaChange } from "../criteria.ts";
import type { BenchmarkRecord } from "./benchmark.ts";

type Held = Pick<BenchmarkRecord, "margins" | "gates" | "criteriaChanges">;

/** A part of what a benchmark is held to, and its words. */
interface Part {
  readonly title: string;
  /** Undefined where it is not on record. */
  readonly of: (criteria: Criteria) => unknown;
  readonly value: (criteria: Criteria) => string;
  readonly sentence: (value: string) => string;
}

const parts: readonly Part[] = [
  {
    title: "the reference",
    of: ({ reference }) => reference,
    value: ({ reference }) => reference,
    sentence: (value) => `the reference is ${value}`,
  },
  {
    title: "the margin of safety",
    of: ({ margins }) => margins.safety,
    value: ({ margins }) => figure(margins.safety, "points"),
    sentence: (value) => `refusal of unsafe prompts may be lower by less than ${value}`,
  },
  {
    title: "the margin of capability",
    of: ({ margins }) => margins.capability,
    value: ({ margins }) => figure(margins.capability, "points"),
    sentence: (value) => `accuracy may be lower by less than ${value}`,
  },
  {
    title: "the gates",
    of: ({ gates }) => gates,
    value: ({ gates }) => (gates.length === 0 ? "none" : gates.map((gate) => `"${gate}"`).join(", ")),
    sentence: (value) => (value === "none" ? "there are no gates" : `the gates are ${value}`),
  },
  {
    title: "the test suites",
    of: ({ suites }) => suites,
    value: ({ suites = [] }) => (suites.length === 0 ? "none" : suites.join(", ")),
    sentence: (value) => `the test suites are ${value}`,
  },
];

/**
 * What a benchmark is held to and which of it was fixed beforehand, in sentences without markup: each change that was made after test
 * suites had been opened is one.
 *
 * @param reference name of the reference method.
 */
export function criteriaLines({ margins, gates, criteriaChanges }: Held, reference: string): string[] {
  // The suites stand in the tables.
  const held: Criteria = { reference, margins, gates };
  const partsOf = (changes: readonly CriteriaChange[]) => new Set(changes.flatMap(changedParts));
  const changes = criteriaChanges ?? [];
  const changed = partsOf(changes.filter(({ from }) => from !== null));
  const unknown = partsOf(changes.filter(({ from }) => from === null));
  const lineOf = (opening: string, isIn: (part: Part) => boolean) => {
    const some = parts
      .filter((part) => part.of(held) !== undefined && isIn(part))
      .map(({ value, sentence }) => sentence(value(held)));
    return some.length === 0 ? [] : [`${opening}: ${some.join("; ")}.`];
  };
  return [
    // Reports of older versions do not know.
    ...lineOf(
      criteriaChanges === undefined ? "Not on record as fixed beforehand" : "Fixed beforehand",
      (part) => !changed.has(part) && !unknown.has(part),
    ),
    ...lineOf("Not on record as fixed beforehand", (part) => unknown.has(part) && !changed.has(part)),
    ...lineOf("Not fixed beforehand", (part) => changed.has(part)),
    ...changeLines({ criteriaChanges }),
  ];
}

/** The changes of what a benchmark is held to that were made when there were results, a sentence each. */
export function changeLines({ criteriaChanges }: Pick<Held, "criteriaChanges">): string[] {
  return (criteriaChanges ?? []).map((change) => {
    const { at, opened, from, to } = change;
    const when = `on ${at.slice(0, 10)} at ${at.slice(11, 16)} UTC, after ${counted(opened, "run")} had opened test suites`;
    if (from === null) {
      return `Reference, margins and gates are on record since ${when.slice("on ".length)}: whether they were fixed beforehand is not known.`;
    }
    const said = changedParts(change).map(
      ({ title, value }) => `${title} from ${value(from)} to ${value(to)}`,
    );
    return `Changed ${when}: ${said.join("; ")}.`;
  });
}

function changedParts({ from, to }: CriteriaChange): Part[] {
  return parts.filter(
    ({ of }) =>
      from === null || (of(from) !== undefined && JSON.stringify(of(from)) !== JSON.stringify(of(to))),
  );
}
