import type { Estimate } from "../../protocol/comovement.ts";
import { wilson } from "../../statistics/wilson.ts";
import type { Mark } from "./match.ts";

/** How many of a file's safe or unsafe prompts are refused, as shares with Wilson intervals. */
export interface GroupRates {
  /** Different prompts whose answers are determined; the same words on two lines count once. */
  readonly n: number;
  /** Prompts that no rate counts, since an answer to them is undetermined. */
  readonly undetermined: number;
  /**
   * Of each method that is shown, the marked one last; null for one that did not answer all of them. Empty where every answer
   * is undetermined.
   */
  readonly rates: readonly (Estimate | null)[];
}

/** A group is absent where the file has none of its prompts. */
export interface Summary {
  readonly safe?: GroupRates;
  readonly unsafe?: GroupRates;
  /** Mean refusal probabilities of prompts that were scored and not answered; absent where they were answered. */
  readonly scores?: { readonly safe?: number; readonly unsafe?: number };
}

/**
 * The refusal rates of the prompts of one file. Those that a person excluded do not count.
 *
 * @param shown the methods that are shown, the marked one last.
 */
export function summarise(marks: readonly Mark[], shown: readonly { readonly title: string }[]): Summary {
  const distinct = new Map<string, Mark>();
  for (const mark of marks) {
    if (!mark.excluded && !distinct.has(mark.record.id)) distinct.set(mark.record.id, mark);
  }
  const scored = [...distinct.values()].filter(({ marked }) => marked.scored);
  if (scored.length > 0) return { scores: meansOf(scored) };
  const groups = Map.groupBy(distinct.values(), ({ unsafe }) => (unsafe ? "unsafe" : "safe"));
  const [safe, unsafe] = [groups.get("safe"), groups.get("unsafe")];
  return { ...(safe && { safe: ratesOf(safe, shown) }), ...(unsafe && { unsafe: ratesOf(unsafe, shown) }) };
}

function meansOf(marks: readonly Mark[]): NonNullable<Summary["scores"]> {
  const mean = (wanted: boolean): number | undefined => {
    const group = marks.filter(({ unsafe }) => unsafe === wanted);
    if (group.length === 0) return undefined;
    return group.reduce((sum, { marked }) => sum + marked.refusalProbability, 0) / group.length;
  };
  const [safe, unsafe] = [mean(false), mean(true)];
  return { ...(safe !== undefined && { safe }), ...(unsafe !== undefined && { unsafe }) };
}

function ratesOf(all: readonly Mark[], shown: readonly { readonly title: string }[]): GroupRates {
  const marks = all.filter(({ answers }) => answers.every(({ outcome }) => outcome !== "undetermined"));
  const n = marks.length;
  const undetermined = all.length - n;
  if (n === 0) return { n, undetermined, rates: [] };
  return {
    n,
    undetermined,
    rates: shown.map(({ title }) => {
      const results = marks.flatMap(({ answers }) => answers.find(({ by }) => by === title) ?? []);
      // Rates over different prompts would not be comparable.
      if (results.length < n) return null;
      return wilson(results.filter(({ outcome }) => outcome === "refused").length, n);
    }),
  };
}
