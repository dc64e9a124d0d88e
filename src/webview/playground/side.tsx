import type { PlaygroundSubject, Side } from "../../protocol/webview/playground.ts";
import { probability, signed } from "../../wording/numbers.ts";
import { Words } from "../ui/words.tsx";
import type { SideState } from "./state.ts";

/** Openings that are shown at most. */
const most = 5;

/** One model: how likely it refuses, which openings carry that, the prompt shaded by its words, and the answer. */
export function SideView({
  side,
  subject,
  state,
  text,
  choose,
}: {
  side: Side;
  subject: PlaygroundSubject | null;
  state: SideState;
  text: string;
  choose: () => void;
}) {
  const title = side === 0 ? "Left" : "Right";
  return (
    <section class="side" aria-label={`${title}: ${subject?.label ?? "no model"}`}>
      <div class="head">
        <h2>{subject?.label ?? "No model"}</h2>
        <button type="button" class="secondary" onClick={choose}>
          {subject === null ? "Choose a Model…" : "Change…"}
          <span class="visually-hidden"> ({title.toLowerCase()})</span>
        </button>
      </div>
      {subject === null && <p class="muted">Any model, adapter or run of this machine can stand here.</p>}
      {state.problem !== null && (
        <p role="alert" class="words">
          <span class="codicon codicon-error" aria-hidden="true" />
          {state.problem}
        </p>
      )}
      <p class="status muted" role="status">
        {state.status === null ? "" : `${state.status} …`}
      </p>
      {state.probability !== undefined && <Score state={state} />}
      {state.words !== null && typeof state.probability === "number" && (
        <Shaded words={state.words} whole={state.probability} text={text} />
      )}
      <Answer state={state} />
    </section>
  );
}

/** The answer, or what is written of it so far, which is not announced: it changes several times a second. */
function Answer({ state: { answer, written } }: { state: SideState }) {
  const shown = answer ?? written;
  if (shown === null) return null;
  return (
    <div aria-busy={answer === null}>
      <h3>Answer</h3>
      {shown.reasoning !== undefined && (
        <details open={answer === null}>
          <summary>Reasoning</summary>
          <Words text={shown.reasoning} hidden={false} />
        </details>
      )}
      <Words text={shown.response} hidden={false} />
      {answer !== null && !answer.ended && <p class="muted">Cut off at the maximum number of tokens.</p>}
    </div>
  );
}

function Score({ state: { probability: p, openings } }: { state: SideState }) {
  if (p === null || p === undefined) {
    return (
      <p>The prompt leaves no room in the model's context, so it has no refusal probability. Shorten it.</p>
    );
  }
  const shown = openings.slice(0, most);
  return (
    <>
      <p class="probability">
        Refusal probability <strong>{probability(p)}</strong>
      </p>
      <div class="bar" aria-hidden="true">
        <span style={{ width: `${100 * p}%` }} />
      </div>
      {shown.length > 0 && (
        <table class="openings">
          <caption>Openings that carry it</caption>
          <thead>
            <tr>
              <th scope="col">Opening</th>
              <th scope="col" class="number">
                Probability
              </th>
              <th scope="col" class="number">
                Share
              </th>
              <td />
            </tr>
          </thead>
          <tbody>
            {shown.map(({ opening, probability: part }) => (
              <tr key={opening}>
                <th scope="row">“{opening}”</th>
                <td class="number">{probability(part)}</td>
                <td class="number">{p > 0 ? `${Math.round((100 * part) / p)} %` : ""}</td>
                <td class="share" aria-hidden="true">
                  <span style={{ width: `${p > 0 ? (100 * part) / p : 0}%` }} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

/** The prompt, each word underlined by how much of the refusal it brings or takes away; the table below has the numbers. */
function Shaded({
  words,
  whole,
  text,
}: {
  words: NonNullable<SideState["words"]>;
  whole: number;
  text: string;
}) {
  return (
    <div aria-hidden="true">
      <p class="shaded">
        {words.map(({ start, end, without }) => {
          const effect = without === null ? 0 : whole - without;
          const strength = Math.min(1, Math.abs(effect) / Math.max(whole, 0.05));
          return (
            <span
              key={start}
              class={`word ${kindOf(effect)}`}
              style={{ "--strength": strength.toFixed(2) }}
              title={
                without === null ? "not scored" : `${signed(effect)}: ${probability(without)} without it`
              }
            >
              {text.slice(start, end)}
            </span>
          );
        })}
      </p>
      <p class="muted legend">
        <span class="word raises">raises</span> and <span class="word lowers">lowers</span> the refusal
        probability
      </p>
    </div>
  );
}

/** What a word does, where that is not 0.00. */
function kindOf(effect: number): "raises" | "lowers" | "" {
  if (Math.abs(effect) < 0.005) return "";
  return effect > 0 ? "raises" : "lowers";
}
