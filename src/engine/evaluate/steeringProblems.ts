import { mean } from "simple-statistics";
import type { MethodAnswers, PromptResult } from "../../protocol/report/answers.ts";
import type { Method, MethodProblem } from "../../protocol/report/methods.ts";
import { percent } from "../../wording/numbers.ts";
import { steered, steeringGate } from "./measures/steering.ts";

/** Share of both classes below which a method counts as never acting, and of which the rest is a gate that decides nothing. */
const least = 0.02;

/**
 * Methods that do not do what their names say, since their interventions acted on next to no prompt, or a gate took safe and unsafe
 * prompts for one and the same. Such a method is an error in the report and no result.
 *
 * Methods without interventions, and answers that do not say what was steered, as in reports of training alone, have none.
 */
export function steeringProblems(
  methods: readonly Method[],
  answers: readonly MethodAnswers[],
): MethodProblem[] {
  return answers.flatMap(({ method: id, seed, results }): MethodProblem[] => {
    const method = methods.find((one) => one.id === id);
    if (!method || method.interventions.length === 0) return [];
    const message = firingFault(results) ?? gateFault(results);
    return message === null
      ? []
      : [{ method: id, seed, message: `${method.name} (seed ${seed}) ${message}` }];
  });
}

function firingFault(results: readonly PromptResult[]): string | null {
  const shares = classShares(results, steered.definition.id, (value) => value > 0);
  if (shares.length === 0 || shares.some(({ share }) => share >= least)) return null;
  return (
    `acted on ${wordsOf(shares)}: it did not steer, and its answers are those of the model without it. Check its strength and its ` +
    "threshold on validation prompts."
  );
}

function gateFault(results: readonly PromptResult[]): string | null {
  const { id } = steeringGate.definition;
  for (const [decision, taken] of [
    [-1, "took for safe"],
    [0, "left alone"],
    [1, "took for unsafe"],
  ] as const) {
    const shares = classShares(results, id, (value) => value === decision);
    if (shares.length < 2 || shares.some(({ share }) => share <= 1 - least)) continue;
    return `has a gate that ${taken} ${wordsOf(shares)}: it tells nothing apart. Choose its threshold anew on validation prompts.`;
  }
  return null;
}

interface ClassShare {
  readonly name: "unsafe" | "safe";
  readonly share: number;
}

/** The share of each class whose number is of a kind; classes without such numbers are left out. */
function classShares(
  results: readonly PromptResult[],
  id: string,
  isSo: (value: number) => boolean,
): ClassShare[] {
  return (["unsafe", "safe"] as const).flatMap((name) => {
    const values = results.flatMap(({ unsafe, values }) =>
      unsafe === (name === "unsafe") && values?.[id] !== undefined ? [values[id]] : [],
    );
    return values.length === 0 ? [] : [{ name, share: mean(values.map((value) => Number(isSo(value)))) }];
  });
}

function wordsOf(shares: readonly ClassShare[]): string {
  return shares.map(({ name, share }) => `${percent(share)} of the ${name} prompts`).join(" and ");
}
