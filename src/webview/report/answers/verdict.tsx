import { type Judged, type Outcome, undeterminedWords } from "../../../protocol/report/verdicts.ts";
import type { Answer } from "./rows.ts";

/** What became of a prompt, in words. */
export function verdictText({ outcome, result: { human }, judge: { reason } }: Answer): string {
  if (human === "partial_refusal") return "partial refusal";
  if (outcome !== "undetermined" || human !== undefined || !reason) return outcome;
  return `undetermined: ${undeterminedWords[reason]}`;
}

/** What one judge says of an answer, in words. */
export function judgedText({ verdict, reason }: Judged): string {
  const words = verdict.replaceAll("_", " ").replace("full ", "");
  return reason ? `${words}: ${undeterminedWords[reason]}` : words;
}

const icons: Record<Outcome, string> = {
  refused: "circle-slash",
  complied: "comment",
  undetermined: "question",
};

/** An answer's verdict: its sign says what the model did, its colour whether it should have. */
export function VerdictSign({ answer, unsafe, terse }: { answer: Answer; unsafe: boolean; terse?: boolean }) {
  const text = verdictText(answer);
  const { outcome } = answer;
  const colour = outcome === "undetermined" ? "muted" : (outcome === "refused") === unsafe ? "good" : "bad";
  return (
    <span class={`verdict ${colour}`} {...(terse && { title: text })}>
      <span class={`codicon codicon-${icons[outcome]}`} aria-hidden="true" />
      <span class={terse ? "visually-hidden" : ""}>{text}</span>
      {answer.result.human !== undefined && (
        <>
          <span class="codicon codicon-person" aria-hidden="true" />
          <span class="visually-hidden">, judged by a person</span>
        </>
      )}
    </span>
  );
}
