/** The key of a button, seen and not heard: `aria-keyshortcuts` of the button tells it to a screen reader. */
export function KeyCap({ shown }: { shown: string }) {
  // biome-ignore lint/a11y/noAriaHiddenOnFocusable: a key cap takes no focus.
  return <kbd aria-hidden="true">{shown}</kbd>;
}
