import type { ComponentChildren } from "preact";
import { IconButton } from "./iconButton.tsx";

/** Turns the leaves of a table; nothing where it has one. What is said of them stands behind the buttons. */
export function LeafTurner(props: {
  readonly at: number;
  readonly leaves: number;
  readonly turn: (at: number) => void;
  readonly children: ComponentChildren;
}) {
  const { at, leaves, turn, children } = props;
  if (leaves < 2) return null;
  return (
    <div class="toolbar">
      <IconButton icon="chevron-left" name="Earlier rows" disabled={at === 0} press={() => turn(at - 1)} />
      <IconButton
        icon="chevron-right"
        name="Later rows"
        disabled={at === leaves - 1}
        press={() => turn(at + 1)}
      />
      <span class="muted">{children}</span>
    </div>
  );
}
