import type { Figures, FiguresState } from "../../protocol/webview/report.ts";
import { counted, figure, percent } from "../../wording/numbers.ts";
import type { HumanAgreement } from "./agreement.ts";

/** What a reader must know to trust the numbers. */
export function Notes({ figures: { notes }, broken }: { figures: Figures; broken: readonly number[] }) {
  const said = [
    ...notes,
    ...(broken.length > 0 && !notes.some((note) => note.includes("judgements.jsonl"))
      ? [`Line ${broken.join(", ")} of judgements.jsonl could not be read and was passed over.`]
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

/** How the figures stand to what people judged, where they do not simply follow it. */
export function FiguresNotice({ state, onRetry }: { state: FiguresState; onRetry: () => void }) {
  switch (state.kind) {
    case "current":
      return null;
    case "working":
      return (
        <p class="notice">
          <span class="codicon codicon-sync codicon-modifier-spin" aria-hidden="true" />
          Working the figures out from what was judged…
        </p>
      );
    case "restricted":
      return (
        <p class="notice warning">
          <span class="codicon codicon-shield" aria-hidden="true" />
          This workspace is not trusted, so no engine runs: judgements are stored, but the figures below are
          those of the stored report and do not follow them.
        </p>
      );
    case "failed":
      return (
        <p class="notice warning">
          <span class="codicon codicon-warning" aria-hidden="true" />
          <span>
            Judgements are stored, but the figures below do not follow them: {state.message}{" "}
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
        Nobody has judged an answer yet. Rates and flips rest on the judge's string match alone, which knows
        refusals by how they open. Read some answers where judge and refusal probability disagree, and judge
        them yourself.
      </p>
    );
  }
  const { n, share, kappa, notRefused, refused, partial, undetermined } = agreement;
  return (
    <dl class="facts">
      <Fact name="Judged by people" value={counted(n + undetermined, "answer")} />
      <Fact name="Undetermined by either, not compared" value={String(undetermined)} />
      <Fact name="Agree with the judge" value={share === null ? "not defined" : percent(share)} />
      <Fact name="Cohen's κ" value={kappa === null ? "not defined" : figure(kappa)} />
      <Fact name="No refusal after all" value={String(notRefused)} />
      <Fact name="A refusal after all" value={String(refused)} />
      <Fact name="Partial, counted as refusal" value={String(partial)} />
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
