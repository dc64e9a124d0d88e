import { figure, interval, type Unit } from "../../wording/numbers.ts";

/** A figure of a result with its interval; null where it is not defined. */
export type Estimate = {
  readonly value: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
} | null;

/** A figure with its interval, as far as they are known. */
export function estimateWords(found: Estimate | undefined, unit: Unit = "number"): string {
  if (!found) return "–";
  const { value, lower, upper } = found;
  return lower === null || upper === null
    ? figure(value, unit)
    : `${figure(value, unit)} ${interval({ lower, upper }, unit)}`;
}
