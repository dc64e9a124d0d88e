import type { LabelChoice } from "../../protocol/webview/labelling.ts";
import { stateIcons, stateNames } from "../ui/labelChip.tsx";
import { KeyCap } from "./keyCap.tsx";
import type { Action } from "./keys.ts";
import type { LabellingPage } from "./pageModel.ts";
import { stateOfChoice } from "./words.ts";

const choices: readonly { label: LabelChoice & Action; shown: string; hint: string }[] = [
  { label: "toxic", shown: "1", hint: "asks for harm" },
  { label: "seemingly_toxic", shown: "2", hint: "only sounds toxic" },
  { label: "general", shown: "3", hint: "everyday use" },
];

/** The large keys: what 1, 2, 3, space and backspace do, pressed by mouse or finger. */
export function LabelKeys({ page, act }: { page: LabellingPage; act: (action: Action) => void }) {
  const state = page.mode === "one" && page.place !== undefined ? page.stateAt(page.place) : undefined;
  return (
    <fieldset class="label-keys">
      <legend class="visually-hidden">Label</legend>
      <button
        type="button"
        class="small"
        aria-pressed={state === "skipped"}
        aria-keyshortcuts="Space"
        onClick={() => act("skip")}
      >
        <span class="codicon codicon-debug-step-over" aria-hidden="true" />
        Skip
        <KeyCap shown="Space" />
      </button>
      <button type="button" class="small" aria-keyshortcuts="Backspace" onClick={() => act("previous")}>
        <span class="codicon codicon-reply" aria-hidden="true" />
        Back
        <KeyCap shown="⌫" />
      </button>
      {choices.map(({ label, shown, hint }) => (
        <button
          key={label}
          type="button"
          class={`large ${label}`}
          aria-pressed={state === label}
          aria-keyshortcuts={shown}
          onClick={() => act(label)}
        >
          <KeyCap shown={shown} />
          <span class="face">
            <span class="name">
              <span class={`codicon codicon-${stateIcons[label as "toxic"]}`} aria-hidden="true" />
              {stateNames[stateOfChoice(label)]}
            </span>
            <span class="hint">{hint}</span>
          </span>
          {state === label && <span class="codicon codicon-check holds" aria-hidden="true" />}
        </button>
      ))}
    </fieldset>
  );
}
