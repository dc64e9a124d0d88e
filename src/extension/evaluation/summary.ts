import type { Estimate } from "../../protocol/comovement.ts";
import { wilson } from "../../statistics/wilson.ts";
import { outcomeOf } from "./answers.ts";
import type { Mark } from "./match.ts";

/** How many of a file's safe or unsafe prompts are refused, as shares with Wilson intervals. */
export interface GroupRates {
  /** Different prompts; the same words on two lines count once. */
  readonly n: number;
  /** Absent where the model before training did not answer all of them. */
  readonly before?: Estimate;
  readonly after: Estimate;
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

function ratesOf(marks: readonly Mark[]): GroupRates {
  const n = marks.length;
  const earlier = marks.flatMap(({ before }) => before ?? []);
  const refused = (results: readonly Mark["after"][]) =>
    wilson(results.filter((result) => outcomeOf(result) === "refused").length, n);
  return {
    n,
    // Rates over different prompts would not be comparable.
    ...(earlier.length === n && { before: refused(earlier) }),
    after: refused(marks.map(({ after }) => after)),
  };
}
