import type { Estimate } from "../../protocol/comovement.ts";
import { wilson } from "../../statistics/wilson.ts";
import type { Mark } from "./match.ts";

/** How many of a file's safe or unsafe prompts are refused, as shares with Wilson intervals. */
export interface GroupRates {
  /** Different prompts whose answers are determined; the same words on two lines count once. */
  readonly n: number;
  /** Prompts that no rate counts, since an answer to them is undetermined. */
  readonly undetermined: number;
  /** Absent where the untrained model did not answer all of them. */
  readonly before?: Estimate;
  /** Absent where every answer is undetermined. */
  readonly after?: Estimate;
}

/** A group is absent where the file has none of its prompts. */
export interface Summary {
  readonly safe?: GroupRates;
  readonly unsafe?: GroupRates;
}

/** The refusal rates of the prompts of one file. Those that a person excluded do not count. */
export function summarise(marks: readonly Mark[]): Summary {
  const distinct = new Map<string, Mark>();
  for (const mark of marks) {
    if (!mark.excluded && !distinct.has(mark.record.id)) distinct.set(mark.record.id, mark);
  }
  const groups = Map.groupBy(distinct.values(), ({ unsafe }) => (unsafe ? "unsafe" : "safe"));
  const [safe, unsafe] = [groups.get("safe"), groups.get("unsafe")];
  return { ...(safe && { safe: ratesOf(safe) }), ...(unsafe && { unsafe: ratesOf(unsafe) }) };
}

function ratesOf(all: readonly Mark[]): GroupRates {
  const isOpen = (result: Mark["before"]) => result?.outcome === "undetermined";
  const marks = all.filter(({ before, after }) => !isOpen(before) && !isOpen(after));
  const n = marks.length;
  const undetermined = all.length - n;
  if (n === 0) return { n, undetermined };
  const earlier = marks.flatMap(({ before }) => before ?? []);
  const refused = (results: readonly Mark["after"][]) =>
    wilson(results.filter(({ outcome }) => outcome === "refused").length, n);
  return {
    n,
    undetermined,
    // Rates over different prompts would not be comparable.
    ...(earlier.length === n && { before: refused(earlier) }),
    after: refused(marks.map(({ after }) => after)),
  };
}
