import { DiscernError } from "../../protocol/errors.ts";
import { outcomeOf } from "../../protocol/report/verdicts.ts";
import type { JudgedOutcomes, JudgedText } from "../probe/definition.ts";
import type { JudgeContext } from "./judges/judge.ts";
import { judgesOf } from "./judges/judges.ts";
import { type JudgingOptions, judgeTexts } from "./judging.ts";

/**
 * What a judge of refusal says of answers that stand in no report, as probes ask.
 *
 * @param named id of a judge, or a judge as a recipe writes it, in JSON.
 * @throws DiscernError `request-invalid` for a judge that there is not, or that is not asked about refusal; what the judge throws.
 */
export async function judgedOutcomes(
  named: string,
  answers: readonly JudgedText[],
  {
    signal,
    onUsed,
    onKnown,
    ...context
  }: JudgeContext & Pick<JudgingOptions, "signal" | "onUsed" | "onKnown">,
): Promise<JudgedOutcomes> {
  const spec = named.trimStart().startsWith("{") ? JSON.parse(named) : named;
  const [judge] = await judgesOf([spec], context);
  if (judge!.question !== "refusal") {
    throw new DiscernError(
      "request-invalid",
      `The judge "${judge!.id}" is not asked about refusal, so it cannot say which answers refuse. Name a judge of refusal.`,
    );
  }
  const { id, version } = await judge!.info();
  const verdicts = await judgeTexts(judge!, answers, {
    ...{ signal, ...(onUsed && { onUsed }), ...(onKnown && { onKnown }) },
  });
  return {
    judge: { id, version },
    outcomes: verdicts.map((verdict) => outcomeOf({ verdicts: { judge: verdict } }, "judge")),
  };
}
