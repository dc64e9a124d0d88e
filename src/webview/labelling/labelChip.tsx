import type { PromptLabelState } from "../../protocol/webview/labelBytes.ts";
import { stateIcons, stateNames } from "./words.ts";

/** A label as an icon and a word, in its colour. */
export function LabelChip({ state }: { state: PromptLabelState }) {
  return (
    <span class={`chip ${state}`}>
      <span class={`codicon codicon-${stateIcons[state]}`} aria-hidden="true" />
      <span class="chip-name">{stateNames[state]}</span>
    </span>
  );
}
