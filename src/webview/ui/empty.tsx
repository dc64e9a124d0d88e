import type { ComponentChildren } from "preact";

/** What stands where there is nothing to label, and what can be done about it. */
export function Empty(props: { title: string; words: string; done?: boolean; children: ComponentChildren }) {
  return (
    <div class="empty">
      <span class={`codicon codicon-${props.done ? "pass-filled" : "inbox"}`} aria-hidden="true" />
      <h2>{props.title}</h2>
      <p class="words">{props.words}</p>
      {props.children}
    </div>
  );
}
