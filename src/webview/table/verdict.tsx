import type { RowAnswer } from "../../protocol/webview/table.ts";
import { outcomeIcons, verdictWords } from "./words.ts";

/** An answer's verdict: its sign says what the model did, word and colour whether that is a failure; without room for the word, a second sign. */
export function Verdict({ answer }: { answer: RowAnswer }) {
  return (
    <span class={`verdict-sign ${answer.failure ? "failure" : ""}`} title={verdictWords(answer)}>
      <span
        class={`codicon codicon-${answer.scored ? "graph-line" : outcomeIcons[answer.outcome]}`}
        aria-hidden="true"
      />
      {answer.failure && <span class="codicon codicon-warning failure-sign" aria-hidden="true" />}
      <span class="verdict-name">{verdictWords(answer)}</span>
      {answer.human && (
        <>
          <span class="codicon codicon-person" aria-hidden="true" title="Judged by a person" />
          <span class="visually-hidden">, judged by a person</span>
        </>
      )}
    </span>
  );
}
