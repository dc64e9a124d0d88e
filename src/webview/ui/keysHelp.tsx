import { useEffect, useRef } from "preact/hooks";

/** All keys of the page. */
export function KeysHelp({
  keys,
  close,
}: {
  keys: readonly { readonly shown: string; readonly does: string }[];
  close: () => void;
}) {
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
        {keys.map(({ shown, does }) => (
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
