import { useEffect, useRef } from "preact/hooks";
import { keys } from "./keys.ts";

const inGrid: readonly { shown: string; does: string }[] = [
  { shown: "↑ ↓ PageUp PageDown Home End", does: "Move in the grid; with Shift, extend the selection" },
  { shown: "Ctrl+Space, Ctrl+click", does: "Add a prompt to the selection or remove it" },
  { shown: "Ctrl+A", does: "Select all listed prompts" },
  { shown: "Enter", does: "Show one prompt" },
];

/** All keys of the page. */
export function KeysHelp({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDivElement>(null);
  useEffect(() => dialog.current?.focus(), []);
  return (
    <div
      class="keys-help"
      role="dialog"
      aria-label="Keys"
      tabIndex={-1}
      ref={dialog}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        close();
      }}
    >
      <h2>Keys</h2>
      <dl>
        {[...keys, ...inGrid].map(({ shown, does }) => (
          <div key={shown}>
            <dt>
              <kbd>{shown}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <vscode-button appearance="secondary" onClick={close}>
        Close
      </vscode-button>
    </div>
  );
}
