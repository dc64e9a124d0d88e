import type { ComponentChildren } from "preact";

/** What is wider than the page at times, with a bar of its own; keys reach it, so that they can scroll it. */
export function Scrollable({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is of a form.
    <div class="scroll" role="group" aria-label={name} tabIndex={0}>
      {children}
    </div>
  );
}
