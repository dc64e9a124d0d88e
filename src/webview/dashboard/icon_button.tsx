/** A button that is an icon; its name is said and shown when it is hovered. */
export function IconButton({
  icon,
  name,
  press,
  pressed,
  disabled,
}: {
  icon: string;
  name: string;
  press: () => void;
  /** For switches: whether it is on. */
  pressed?: boolean;
  disabled?: boolean;
}) {
  return (
    <button
      type="button"
      class="icon"
      aria-label={name}
      title={name}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={press}
    >
      <span class={`codicon codicon-${icon}`} aria-hidden="true" />
    </button>
  );
}
