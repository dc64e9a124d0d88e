import { useEffect, useRef, useState } from "preact/hooks";
import {
  type PlaygroundFromPage,
  type PlaygroundState,
  type Side,
  sides,
} from "../../protocol/webview/playground.ts";
import { HelpButton } from "../ui/help.tsx";
import { SideView } from "./side.tsx";
import type { PageState } from "./state.ts";
import { WordTable } from "./wordTable.tsx";

/** Milliseconds after the last key before the models are asked. */
export const patience = 500;
const lengths = [32, 64, 128, 256, 512];

interface AppProps {
  readonly state: PageState;
  /** A prompt that the panel was opened for. */
  readonly opened?: string | undefined;
  readonly post: (message: PlaygroundFromPage) => void;
  readonly kept?: PlaygroundState | undefined;
  readonly keep?: (kept: PlaygroundState) => void;
}

/** The page: the prompt above, the two models side by side, and below what each word does. */
export function App({ state, opened, post, kept, keep }: AppProps) {
  const [text, setText] = useState(kept?.text ?? "");
  const [maxNewTokens, setLength] = useState(kept?.maxNewTokens ?? 64);
  const next = useRef(state.ask + 1);
  const { subjects } = state;
  const names = JSON.stringify(subjects);
  useEffect(() => {
    if (opened !== undefined) setText(opened);
  }, [opened]);
  useEffect(() => keep?.({ text, maxNewTokens, subjects: [...subjects] }), [text, maxNewTokens, names, keep]);
  const waiting = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  /** What the last question was about, unless it was cancelled. */
  const about = useRef("");
  const subject = JSON.stringify([text, names]);
  const ask = (length: number | null) => {
    about.current = subject;
    // A question that waits for the keys to rest would end this one.
    clearTimeout(waiting.current);
    post({ type: "try", ask: next.current++, text, maxNewTokens: length });
  };
  const prompt = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    // The editor gives the focus to the page, and a person who opens it wants to type.
    const begin = () => {
      if (document.activeElement === document.body) prompt.current?.focus();
    };
    if (document.hasFocus()) begin();
    window.addEventListener("focus", begin);
    return () => window.removeEventListener("focus", begin);
  }, []);
  const chosen = subjects.filter((subject) => subject !== null).length;
  const hasSubject = chosen > 0;
  const isBlank = text.trim() === "";
  useEffect(() => {
    // A person may ask before the page has been drawn with the last key.
    if (!hasSubject || about.current === subject) return;
    about.current = "";
    // What is known belongs to other words: the models stop at once, and are asked when the keys rest.
    post({ type: "cancel" });
    if (isBlank) return;
    waiting.current = setTimeout(() => ask(null), patience);
    return () => clearTimeout(waiting.current);
  }, [text, names]);
  return (
    <>
      <h1>Try a Prompt</h1>
      <label for="prompt">Prompt</label>
      <textarea
        ref={prompt}
        id="prompt"
        class="prompt"
        rows={3}
        value={text}
        spellcheck={false}
        aria-describedby="hint"
        onInput={({ currentTarget }) => setText(currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || isBlank || !hasSubject) return;
          event.preventDefault();
          ask(maxNewTokens);
        }}
      />
      <div class="toolbar">
        <button type="button" disabled={isBlank || !hasSubject} onClick={() => ask(maxNewTokens)}>
          Answer
        </button>
        <label for="length">Maximum number of tokens</label>
        <select
          id="length"
          value={maxNewTokens}
          onChange={({ currentTarget }) => setLength(Number(currentTarget.value))}
        >
          {lengths.map((length) => (
            <option key={length} value={length}>
              {length}
            </option>
          ))}
        </select>
        <button
          type="button"
          class="secondary"
          disabled={isBlank}
          onClick={() => post({ type: "add", text })}
        >
          Add to Prompt File…
        </button>
        <button
          type="button"
          class="secondary"
          disabled={!state.held}
          title={
            state.held
              ? "The models stay in memory for the next question, for two minutes at most. This gives the memory back now."
              : "No model is in memory."
          }
          onClick={() => post({ type: "release" })}
        >
          Release Memory
        </button>
        <span id="hint" class="muted">
          Probabilities follow as you type. Ctrl+Enter has {chosen > 1 ? "both models" : "the model"} answer,
          greedily.
        </span>
        <HelpButton />
      </div>
      <div class="sides">
        {sides.map((side: Side) => (
          <SideView
            key={side}
            side={side}
            subject={subjects[side] ?? null}
            state={state.sides[side]!}
            text={state.text}
            choose={() => post({ type: "choose", side })}
          />
        ))}
      </div>
      <WordTable state={state} />
    </>
  );
}
