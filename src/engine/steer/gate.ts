import { quantile } from "simple-statistics";
import { auroc, type ClassScores } from "../../statistics/roc.ts";

/** Which scores are taken for unsafe: those from the threshold on, or those below it. */
type GateSide = "from" | "below";

/** Both sides, in the order in which they are tried. */
export const gateSides: readonly GateSide[] = ["from", "below"];

/** A threshold on a score of prompts, and the side of it that is taken for unsafe. */
export interface Gate {
  readonly threshold: number;
  readonly side: GateSide;
}

/** How many prompts of each class a gate takes for unsafe, and how many there are. */
interface GateCounts {
  readonly unsafeTaken: number;
  readonly safeTaken: number;
  readonly unsafe: number;
  readonly safe: number;
}

/** Whether a score is taken for unsafe. */
export function takes({ threshold, side }: Gate, score: number): boolean {
  return side === "from" ? score >= threshold : score < threshold;
}

/** How far a score lies on the side that is taken for unsafe; below 0 on the other. */
export function margin({ threshold, side }: Gate, score: number): number {
  return side === "from" ? score - threshold : threshold - score;
}

/** F1 of "unsafe"; 0 where no unsafe prompt is taken. */
export function f1({ unsafeTaken, safeTaken, unsafe }: GateCounts): number {
  return unsafeTaken === 0 ? 0 : (2 * unsafeTaken) / (unsafe + unsafeTaken + safeTaken);
}

/** Mean of the share of unsafe prompts that are taken and that of safe ones that are not. */
export function balancedAccuracy({ unsafeTaken, safeTaken, unsafe, safe }: GateCounts): number {
  return (unsafeTaken / unsafe + 1 - safeTaken / safe) / 2;
}

/** Criteria that differ by less are equal: they are made of shares. */
const rounding = 1e-9;

/** A gate with its criterion, and how wide the gap between scores is that its threshold lies in. */
export interface FoundGate extends Gate {
  readonly value: number;
  readonly gap: number;
}

/** Whether a gate's criterion is higher than another's, or as high and its gap wider. */
export function isBetter(one: FoundGate, other: FoundGate): boolean {
  const higher = one.value - other.value;
  return higher > rounding || (higher > -rounding && one.gap > other.gap);
}

/**
 * The threshold with the highest criterion among all that decide differently: those between neighbouring scores, and one beyond
 * either end. Of equals the one in the widest gap is taken, so that the choice hangs on no grid and lies as far from the scores as it
 * can; of equal gaps the lower.
 *
 * @param criterion is maximised.
 * @returns null where a class is empty or a score is not finite.
 */
export function bestGate(
  { unsafe, safe }: ClassScores,
  criterion: (counts: GateCounts) => number,
  sides: readonly GateSide[] = ["from"],
): FoundGate | null {
  const all = [...unsafe, ...safe];
  if (unsafe.length === 0 || safe.length === 0 || !all.every(Number.isFinite)) return null;
  let best: FoundGate | null = null;
  for (const side of sides) {
    for (const { threshold, gap } of cuts(all)) {
      const taken = (of: readonly number[]) => of.filter((score) => takes({ threshold, side }, score)).length;
      const counts = { unsafeTaken: taken(unsafe), safeTaken: taken(safe) };
      const value = criterion({ ...counts, unsafe: unsafe.length, safe: safe.length });
      const found = { threshold, side, value, gap };
      if (best === null || isBetter(found, best)) best = found;
    }
  }
  return best;
}

/** Thresholds that decide differently, ascending, each with the gap between the scores beside it; none beyond the ends. */
function cuts(scores: readonly number[]): { threshold: number; gap: number }[] {
  const distinct = [...new Set(scores)].sort((a, b) => a - b);
  const [lowest, highest] = [distinct[0]!, distinct.at(-1)!];
  const beyond = Math.max((highest - lowest) / distinct.length, 1e-6);
  return [
    { threshold: lowest - beyond, gap: 0 },
    ...distinct
      .slice(1)
      .map((high, i) => ({ threshold: (distinct[i]! + high) / 2, gap: high - distinct[i]! })),
    { threshold: highest + beyond, gap: 0 },
  ];
}

const quantiles = { lowest: 0, lowerQuartile: 0.25, median: 0.5, upperQuartile: 0.75, highest: 1 };

/**
 * What a gate does on prompts whose class is known, as the numbers of a fitted method: whether it can tell the classes apart, what
 * its scores are, and the share of each class that it takes for unsafe.
 */
export function gateNumbers(scores: ClassScores, gate: Gate): Record<string, number> {
  const ofClass = (name: string, of: readonly number[]) =>
    of.length === 0
      ? {}
      : {
          [`gate ${name} share taken for unsafe`]:
            of.filter((score) => takes(gate, score)).length / of.length,
          ...Object.fromEntries(
            Object.entries(quantiles).map(([word, p]) => [`gate.${name}.${word}`, quantile([...of], p)]),
          ),
        };
  return {
    // Of a gate that takes low scores for unsafe, the low scores are the sign.
    "gate.auroc": gate.side === "from" ? auroc(scores) : 1 - auroc(scores),
    ...ofClass("unsafe", scores.unsafe),
    ...ofClass("safe", scores.safe),
  };
}

/** Shares of prompts taken for unsafe below and above which a gate is as good as none. */
const idle = { lowest: 0.02, highest: 0.98 };

/** What a reader must know of a gate on validation prompts, in whole sentences: that it never, or always, fires. */
export function gateNotes(scores: ClassScores, gate: Gate): string[] {
  const shares = [scores.unsafe, scores.safe].map(
    (of) => of.filter((score) => takes(gate, score)).length / Math.max(1, of.length),
  );
  const all = (holds: (share: number) => boolean) => shares.every(holds);
  if (!all((share) => share < idle.lowest) && !all((share) => share > idle.highest)) return [];
  const what = shares[0]! < idle.lowest ? "hardly any" : "nearly all";
  return [
    `The gate takes ${what} validation prompts of either class for unsafe: it does not tell them apart at its threshold. Choose ` +
      "another threshold, or other prompts to fit it on.",
  ];
}
