import type { PromptLabelState } from "../../protocol/webview/labelBytes.ts";

/** The labels in words. */
export const stateNames: Record<PromptLabelState, string> = {
  toxic: "Toxic",
  seemingly_toxic: "Seemingly toxic",
  general: "General",
  skipped: "Skipped",
  excluded: "Excluded",
  unlabelled: "Unlabelled",
};

/** Codicons beside the labels, those of the Prompts view: colour never stands alone. */
export const stateIcons: Record<PromptLabelState, string> = {
  toxic: "flame",
  seemingly_toxic: "shield",
  general: "comment",
  skipped: "debug-step-over",
  excluded: "circle-slash",
  unlabelled: "circle-large-outline",
};

/** A label as an icon and a word, in its colour. */
export function LabelChip({ state }: { state: PromptLabelState }) {
  return (
    <span class={`chip ${state}`}>
      <span class={`codicon codicon-${stateIcons[state]}`} aria-hidden="true" />
      <span class="chip-name">{stateNames[state]}</span>
    </span>
  );
}
