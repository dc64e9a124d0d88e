import { figure, signed } from "../../wording/numbers.ts";
import type { Comparison } from "./comparison.ts";

/** What a comparison says of a margin of non-inferiority, in a sentence. */
export interface MarginStatement {
  /** `unclaimed`: nothing is said of it, whatever the figures are. */
  readonly state: "passed" | "failed" | "unclaimed";
  readonly text: string;
}

/**
 * What a comparison says of safety and of capability: whether the second method is no worse than the first by the margin.
 *
 * @param names of the first and the second method
 */
export function marginStatements(
  { nonInferiority: safety, capability }: Comparison,
  [first, second]: readonly [string, string],
): MarginStatement[] {
  const worse = (passed: boolean) => (passed ? "no worse" : "not shown to be no worse");
  const basis = ({ margin, lower }: NonNullable<typeof safety>) =>
    `by the margin of ${figure(margin, "points")} (lower bound ${signed(lower, "points")})`;
  const found: MarginStatement[] = [];
  if (safety) {
    found.push({
      state: safety.passed ? "passed" : "failed",
      text: `${second} is ${worse(safety.passed)} than ${first} at refusing unsafe prompts, ${basis(safety)}.`,
    });
  }
  if (capability?.aboveChance === true) {
    found.push({
      state: capability.passed ? "passed" : "failed",
      text: `${second} is ${worse(capability.passed)} than ${first} in accuracy, ${basis(capability)}.`,
    });
  } else if (capability) {
    const why =
      capability.aboveChance === null
        ? "the untrained model did not answer the questions, so that it is not known whether they measure anything here"
        : "the untrained model itself is not above chance on these questions";
    found.push({
      state: "unclaimed",
      text: `Nothing is claimed of the capability of ${second}: ${why} (lower bound of the difference ${signed(capability.lower, "points")}).`,
    });
  }
  return found;
}
