import { missingSuites } from "../../protocol/missingSuite.ts";
import { conclusionOf } from "../../protocol/report/conclusion.ts";
import { problemLines } from "../../protocol/report/methods.ts";
import type { Figures, FiguresState } from "../../protocol/webview/report.ts";
import { counted, figure, percent } from "../../wording/numbers.ts";
import type { HumanAgreement } from "./agreement.ts";

/** The sentence that the report comes to, before any figure, and what to know before repeating it. */
export function Conclusion({ figures }: { figures: Figures }) {
  // Answers are no part of it.
  const found = conclusionOf(figures);
  if (found === null) return null;
  const { sentence, caveats } = found;
  return (
    <section class="conclusion" aria-label="Conclusion">
      <p class="sentence">{sentence}</p>
      <h2>Caveats</h2>
      <ul>
        {caveats.map((caveat) => (
          <li key={caveat}>{caveat}</li>
        ))}
      </ul>
    </section>
  );
}

/** Methods whose results are not what their names say. */
export function Problems({ figures: { problems } }: { figures: Figures }) {
  return problemLines(problems).map((line) => (
    <p key={line} class="notice error" role="alert">
      <span class="codicon codicon-error" aria-hidden="true" />
      <span>{line}</span>
    </p>
  ));
}

/** What a reader must know to trust the numbers. */
export function Notes({ figures, broken }: { figures: Figures; broken: readonly number[] }) {
  const { notes } = figures;
  const said = [
    ...missingSuites(figures).map(
      ({ suite, reason }) => `Missing: the suite ${suite} is in no figure. ${reason}`,
    ),
    ...notes,
    ...(broken.length > 0 && !notes.some((note) => note.includes("judgements.jsonl"))
      ? [`Line ${broken.join(", ")} of judgements.jsonl could not be read and was skipped.`]
      : []),
  ];
  if (said.length === 0) return null;
  return (
    <ul class="notes" aria-label="Notes">
      {said.map((note) => (
        <li key={note}>
          <span class="codicon codicon-info" aria-hidden="true" />
          <span>{note}</span>
        </li>
      ))}
    </ul>
  );
}

/** Whether the figures include the verdicts of people, where they do not. */
export function FiguresNotice({ state, onRetry }: { state: FiguresState; onRetry: () => void }) {
  switch (state.kind) {
    case "current":
      return null;
    case "working":
      return (
        <p class="notice">
          <span class="codicon codicon-sync codicon-modifier-spin" aria-hidden="true" />
          Recomputing the figures from the verdicts…
        </p>
      );
    case "restricted":
      return (
        <p class="notice warning">
          <span class="codicon codicon-shield" aria-hidden="true" />
          This workspace is not trusted, so the engine does not run: verdicts are saved, but the figures below
          are those of the saved report and do not include them.
        </p>
      );
    case "failed":
      return (
        <p class="notice warning">
          <span class="codicon codicon-warning" aria-hidden="true" />
          <span>
            Verdicts are saved, but the figures below do not include them: {state.message}{" "}
            <button type="button" class="link" onClick={onRetry}>
              Try again
            </button>
          </span>
        </p>
      );
  }
}

/** How far people agree with the judge. */
export function AgreementSummary({ agreement }: { agreement: HumanAgreement | undefined }) {
  if (agreement === undefined) {
    return (
      <p class="muted">
        No answer has been judged by a person yet, so rates and flips rest on the judge alone. A string judge
        recognises refusals by their opening words. Read some answers where judge and refusal probability
        disagree, and judge them yourself in the editor.
      </p>
    );
  }
  const { n, share, kappa, notRefused, refused, partial, undetermined } = agreement;
  return (
    <dl class="facts">
      <Fact name="Judged by people" value={counted(n + undetermined, "answer")} />
      <Fact name="Undetermined, not compared" value={String(undetermined)} />
      <Fact name="Agree with the judge" value={share === null ? "not defined" : percent(share)} />
      <Fact name="Cohen's κ" value={kappa === null ? "not defined" : figure(kappa)} />
      <Fact name="Judge: refused, person: complied" value={String(notRefused)} />
      <Fact name="Judge: complied, person: refused" value={String(refused)} />
      <Fact name="Partial refusals, counted as refusals" value={String(partial)} />
    </dl>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt class="muted">{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
