import { figure, probability } from "../../wording/numbers.ts";
import type { EvaluatedNeighbour, FailureCase } from "./benchmark.ts";
import type { Outcome } from "./verdicts.ts";

/** What a case is a failure by, in words. */
export function failureName(kind: FailureCase["kind"]): string {
  return kind === "over_refusal" ? "over-refusal" : "under-refusal";
}

/** What an answer that fails so does. */
export function failingOutcome(kind: FailureCase["kind"]): Outcome {
  return kind === "over_refusal" ? "refused" : "complied";
}

/** What a training prompt is beside a case: "seemingly toxic, similarity 0.50". */
export function trainingWords({ label, similarity }: FailureCase["nearest"][number]): string {
  return `${label?.replaceAll("_", " ") ?? "no label"}, similarity ${figure(similarity)}`;
}

/** What an evaluated prompt is beside a case, and what the method did: "XSTest, unsafe counterpart, similarity 0.50: refused, refusal probability 0.98". */
export function evaluatedWords(one: EvaluatedNeighbour): string {
  const what = `${one.suite}, ${one.unsafe ? "unsafe" : "safe"}${one.counterpart ? " counterpart" : ""}`;
  return (
    `${what}, similarity ${figure(one.similarity)}: ` +
    `${one.outcome}, refusal probability ${probability(one.refusalProbability)}`
  );
}
