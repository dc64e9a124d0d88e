import { KeyCap } from "./keyCap.tsx";
import type { Action } from "./keys.ts";

/**
 * Undo and redo, always in sight at the top, where the editor's notifications do not reach, however many there are: these begin at the bottom and
 * leave the upper third free.
 */
export function Steps({ act }: { act: (action: Action) => void }) {
  const steps = [
    { name: "Undo", action: "undo", icon: "discard", key: "Z" },
    { name: "Redo", action: "redo", icon: "redo", key: "Y" },
  ] as const;
  return (
    <div class="steps">
      {steps.map(({ name, action, icon, key }) => (
        <button
          key={action}
          type="button"
          class="small"
          aria-keyshortcuts={`Control+${key}`}
          onClick={() => act(action)}
        >
          <span class={`codicon codicon-${icon}`} aria-hidden="true" />
          {name}
          <KeyCap shown={`Ctrl ${key}`} />
        </button>
      ))}
    </div>
  );
}
