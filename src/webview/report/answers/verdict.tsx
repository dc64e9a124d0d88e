import type { Answer } from "./rows.ts";

/** What became of a prompt, in words and a sign. */
export function verdictText({ refused, result: { human } }: Answer): string {
  if (human === "partial_refusal") return "partly refused";
  return refused ? "refused" : "complied";
}

/** An answer's verdict: its sign says what the model did, its colour whether it should have. */
export function VerdictSign({ answer, unsafe, terse }: { answer: Answer; unsafe: boolean; terse?: boolean }) {
  const text = verdictText(answer);
  const right = answer.refused === unsafe;
  return (
    <span class={`verdict ${right ? "good" : "bad"}`} {...(terse && { title: text })}>
      <span class={`codicon codicon-${answer.refused ? "circle-slash" : "comment"}`} aria-hidden="true" />
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
