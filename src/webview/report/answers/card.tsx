import type { JudgeInfo, RefusalVerdict, Verdicts } from "../../../protocol/report/verdicts.ts";
import { probability } from "../../../wording/numbers.ts";
import { verdictChoices } from "../../ui/verdictChoices.ts";
import { MethodShape } from "../../ui/whisker.tsx";
import { Words } from "../../ui/words.tsx";
import { type Answer, isDoubtful } from "./rows.ts";
import { judgedText, VerdictSign } from "./verdict.tsx";

interface CardProps {
  readonly run: string;
  readonly style: number;
  readonly answer: Answer;
  readonly judges: readonly JudgeInfo[];
  readonly unsafe: boolean;
  readonly hidden: boolean;
  /** Whether keys judge this answer. */
  readonly active: boolean;
  readonly onActivate: () => void;
  /** Null where answers cannot be judged. */
  readonly onJudge: ((verdict: RefusalVerdict | null) => void) | null;
}

/** One run's answer: what it did, how likely refusing was, its words, and what people say of it. */
export function AnswerCard(props: CardProps) {
  const { run, style, answer, judges, unsafe, hidden, active, onActivate, onJudge } = props;
  const { result, judge, judged } = answer;
  const { human, refusalProbability } = result;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the arrow keys activate it, wherever the focus is.
    <section
      class={`answer method-${style} ${active && onJudge ? "active" : ""}`}
      aria-label={`Answer of ${run}${active && onJudge ? ", keys judge this one" : ""}`}
      onFocusCapture={onActivate}
      onClick={onActivate}
    >
      <header>
        <span class="method-title">
          <MethodShape style={style} />
          {run}
        </span>
        <VerdictSign answer={answer} unsafe={unsafe} />
      </header>
      <div class="probability" title="Probability of opening with a refusal">
        <span class="muted">Refusal probability</span>
        <span class="bar" aria-hidden="true">
          <span class="bar-fill" style={{ width: `${100 * refusalProbability}%` }} />
        </span>
        <span>{probability(refusalProbability)}</span>
        {isDoubtful(answer) && (
          <span class="doubt">
            <span class="codicon codicon-question" aria-hidden="true" />
            the judge says {judge.verdict === "full_compliance" ? "complied" : "refused"}
          </span>
        )}
      </div>
      {result.sampled && answer.disagreement.reasons.length > 0 && (
        <p class="muted">{answer.disagreement.reasons.join("; ")}</p>
      )}
      <blockquote>
        <Words text={result.response} hidden={hidden} />
      </blockquote>
      {result.reasoning && (
        <details>
          <summary>Reasoning</summary>
          <blockquote>
            <Words text={result.reasoning} hidden={hidden} />
          </blockquote>
        </details>
      )}
      {judges.length > 1 && <JudgeVerdicts verdicts={result.verdicts} judges={judges} />}
      <footer>
        {onJudge && (
          <fieldset class="judge">
            <legend class="visually-hidden">Your verdict on the answer of {run}</legend>
            {verdictChoices.map(({ verdict: choice, key, title }) => (
              <button
                key={choice}
                type="button"
                aria-pressed={human === choice}
                aria-keyshortcuts={active ? key : undefined}
                onClick={() => onJudge(choice)}
              >
                {title}
                {active && <KeyHint letter={key} />}
              </button>
            ))}
            <button
              type="button"
              class="quiet"
              disabled={human === undefined}
              aria-keyshortcuts={active ? "U" : undefined}
              aria-label="Remove verdict"
              title="Remove verdict"
              onClick={() => onJudge(null)}
            >
              <span class="codicon codicon-discard" aria-hidden="true" />
              {active && <KeyHint letter="U" />}
            </button>
          </fieldset>
        )}
        {judged?.verdict != null && (
          <p class="muted judged-by">
            {judged.by}, {new Date(judged.at).toLocaleString()}
            {judged.note !== undefined && (
              <>
                {": "}
                <span class="words">{judged.note}</span>
              </>
            )}
          </p>
        )}
      </footer>
    </section>
  );
}

/** The key of a button, on the card that keys judge alone: they judge no other. */
function KeyHint({ letter }: { letter: string }) {
  return (
    <>
      {" "}
      <span class="key" aria-hidden="true">
        {letter}
      </span>
    </>
  );
}

/** What each of several judges says of an answer, side by side. */
function JudgeVerdicts({ verdicts, judges }: { verdicts: Verdicts; judges: readonly JudgeInfo[] }) {
  return (
    <dl class="judges">
      {judges.map(({ id, version, title }) => {
        const said = verdicts[id];
        return (
          <div key={id}>
            <dt class="muted" title={`version ${version}`}>
              {title}
            </dt>
            <dd>{said ? judgedText(said) : "not judged"}</dd>
          </div>
        );
      })}
    </dl>
  );
}
