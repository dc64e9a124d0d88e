/** A button that is an icon; its name is said and shown when it is hovered. */
export function IconButton({
  icon,
  name,
  press,
  shortcut,
  pressed,
  expanded,
  disabled,
}: {
  icon: string;
  name: string;
  press: () => void;
  /** The key that does the same, as `aria-keyshortcuts` writes it. */
  shortcut?: string;
  /** For switches: whether it is on. */
  pressed?: boolean;
  /** For what unfolds something: whether that is shown. */
  expanded?: boolean;
  disabled?: boolean;
}) {
  return (
    <button
      type="button"
      class="icon"
      aria-label={name}
      title={name}
      aria-keyshortcuts={shortcut}
      aria-pressed={pressed}
      aria-expanded={expanded}
      disabled={disabled}
      onClick={press}
    >
      <span class={`codicon codicon-${icon}`} aria-hidden="true" />
    </button>
  );
}
