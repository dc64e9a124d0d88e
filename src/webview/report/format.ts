import type { Estimate } from "../../protocol/comovement.ts";

const minus = (text: string) => text.replace("-", "−");

/** A share as a percentage with one decimal. */
export function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

/** A share on an axis: no decimals. */
export function wholePercent(value: number): string {
  return `${Math.round(100 * value)} %`;
}

/** A difference of shares in percentage points, with its sign. */
export function points(value: number): string {
  return minus(`${value >= 0 ? "+" : ""}${(100 * value).toFixed(1)}`);
}

/** A figure with three decimals. */
export function figure(value: number): string {
  return minus(value.toFixed(3));
}

/** A difference of figures, with its sign. */
export function signed(value: number): string {
  return minus(`${value >= 0 ? "+" : ""}${value.toFixed(3)}`);
}

/** A p-value; one that is too small to be told from zero says so. */
export function pValue(value: number): string {
  return value < 0.001 ? "<.001" : value.toFixed(3);
}

/** The ends of an interval; a percent sign stands once. */
export function interval(
  format: (value: number) => string,
  { lower, upper }: Omit<Estimate, "value">,
): string {
  return `${format(lower).replace(/ %$/, "")} to ${format(upper)}`;
}

/** A count with its noun: "1 prompt", "2 prompts". */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
}
