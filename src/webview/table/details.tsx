import type { ComponentChildren } from "preact";
import type { TableDetail } from "../../protocol/webview/table.ts";
import { probability } from "../../wording/numbers.ts";
import { IconButton } from "../ui/iconButton.tsx";
import { stateNames } from "../ui/labelChip.tsx";
import { Veil } from "../ui/veil.tsx";
import { verdictChoices } from "../ui/verdictChoices.ts";
import type { TablePage } from "./pageModel.ts";
import { Verdict } from "./verdict.tsx";

/** The focused prompt in full, with its counterparts and the answers, which can be judged here. */
export function Details({ page, leave }: { page: TablePage; leave: () => void }) {
  const { detail } = page;
  if (!detail || detail.place !== page.place) {
    return (
      <aside class="details" aria-label="Details">
        <p class="muted">…</p>
      </aside>
    );
  }
  const active = page.activeAnswer ?? ((detail.answers.length - 1) as 0 | 1);
  return (
    <aside class="details" aria-label="Details">
      <header>
        <h2>Line {detail.line}</h2>
        <IconButton
          icon="go-to-file"
          name="Open the line in the text editor"
          shortcut="O"
          press={() => page.reveal()}
        />
        <IconButton
          icon="close"
          name="Close the details"
          shortcut="Escape"
          press={() => {
            page.toggleDetail(false);
            leave();
          }}
        />
      </header>
      <Veil words={detail.prompt} revealed={page.revealed} class="whole-prompt" />
      <Facts detail={detail} />
      {detail.counterparts.map(({ place, line, prompt, label }) => (
        <section key={place} aria-label={`Counterpart, line ${line}`}>
          <h3>
            Counterpart{label && `, ${stateNames[label].toLowerCase()}`}{" "}
            <button type="button" class="link" onClick={() => page.goTo(place)}>
              Line {line}
            </button>
          </h3>
          <Veil words={prompt} revealed={page.revealed} class="beside-prompt" />
        </section>
      ))}
      {detail.answers.map((answer, i) => (
        <Answer key={i} page={page} column={i as 0 | 1} answer={answer} active={i === active} />
      ))}
    </aside>
  );
}

function Facts({ detail: { category, split, pair, fileLabel, decision } }: { detail: TableDetail }) {
  const facts: [string, ComponentChildren][] = [
    ...(category === undefined ? [] : [["Category", category] as [string, string]]),
    ...(split === undefined ? [] : [["Split", split] as [string, string]]),
    ...(pair === undefined ? [] : [["Pair", pair] as [string, string]]),
    ...(fileLabel === undefined ? [] : [["Label in the file", stateNames[fileLabel]] as [string, string]]),
    ...(decision ? [["Label", `${labelWords(decision.label)}, by ${decision.by}`] as [string, string]] : []),
    ...(decision?.note ? [["Note", decision.note] as [string, string]] : []),
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function labelWords(label: NonNullable<TableDetail["decision"]>["label"]): string {
  return stateNames[label === "skip" ? "skipped" : (label ?? "excluded")];
}

interface AnswerProps {
  readonly page: TablePage;
  readonly column: 0 | 1;
  readonly answer: TableDetail["answers"][number];
  /** Whether keys judge this answer. */
  readonly active: boolean;
}

/** A method's answer in full: what it did, how likely refusing was, and what the person says of it. */
function Answer({ page, column, answer, active }: AnswerProps) {
  const method = page.methods?.[column];
  if (!method) return null;
  const { title, run } = method;
  if (!answer) {
    return (
      <section class="answer" aria-label={`Answer of ${title}`}>
        <h3>{title}</h3>
        <p class="muted">{run} did not answer this prompt.</p>
      </section>
    );
  }
  const { response, reasoning, judge, reason, verdict } = answer;
  return (
    <section
      class={`answer ${active ? "active" : ""}`}
      aria-label={`Answer of ${title}${active ? ", keys judge this one" : ""}`}
      onFocusCapture={() => page.activate(column)}
    >
      <h3>
        {title} <span class="muted">{run}</span>
      </h3>
      <p class="outcome">
        <Verdict answer={answer} />
        <span>P(refusal) {probability(answer.probability)}</span>
        {judge !== undefined && (
          <span class="muted">
            judged by {judge}
            {reason && `: ${reason}`}
          </span>
        )}
      </p>
      {response.trim() === "" ? (
        <p class="muted">{answer.scored ? "Scored alone: no answer was asked for." : "(no words)"}</p>
      ) : (
        <Veil words={response} revealed={page.revealed} class="whole-answer" />
      )}
      {reasoning && (
        <details>
          <summary>Reasoning</summary>
          <Veil words={reasoning} revealed={page.revealed} class="whole-answer" />
        </details>
      )}
      <fieldset class="judge">
        <legend>Your verdict</legend>
        {verdictChoices.map(({ verdict: choice, key, title: name }) => (
          <button
            key={choice}
            type="button"
            class="button"
            aria-pressed={verdict === choice}
            aria-keyshortcuts={key}
            onClick={() => page.judge(column, choice)}
          >
            {name}{" "}
            {active && (
              <span class="key" aria-hidden="true">
                {key}
              </span>
            )}
          </button>
        ))}
        <IconButton
          icon="discard"
          name="Remove verdict"
          shortcut="U"
          disabled={verdict === undefined}
          press={() => page.judge(column, null)}
        />
      </fieldset>
    </section>
  );
}
