import { type ComponentChildren, createContext } from "preact";
import { useContext, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { isMessage, openHelpMessage } from "../../protocol/webview/page.ts";
import { IconButton } from "./iconButton.tsx";
import { keyAction, type PageKey, type ToldKey } from "./pageKeys.ts";

/** What a page says of itself to those who cannot see it, or who ask for its keys. */
export interface Help {
  /** What the page is called. */
  readonly title: string;
  /** What it is for. */
  readonly about: string;
  /** All keys of the page, from the table by which they work. */
  readonly keys: readonly ToldKey[];
  /** How a screen reader meets it: where its parts are, what is announced, and what stands in for pictures. */
  readonly screenReader: readonly string[];
}

const helpKeys: readonly PageKey<"help">[] = [
  { keys: ["?"], shown: "? or Alt+F1", action: "help", does: "Show or hide this help" },
];

const OpenHelp = createContext<() => void>(() => {});

/** The button that opens the help of the page it stands on. */
export function HelpButton() {
  return <IconButton icon="question" name="Help and keys" shortcut="? Alt+F1" press={useContext(OpenHelp)} />;
}

/**
 * A page with its help, which is a dialog over it: `?` and the button open it, in an editor its command (Alt+F1), in a file Alt+F1
 * itself. Closed, it gives the focus back.
 */
export function WithHelp({ help, children }: { help: Help; children: ComponentChildren }) {
  const [isShown, setShown] = useState(false);
  const before = useRef<Element | null>(null);
  const open = () => {
    // What is under the dialog loses the focus at once.
    if (!document.querySelector("[aria-modal=true]")) before.current = document.activeElement;
    setShown(true);
  };
  const close = () => setShown(false);
  useLayoutEffect(() => {
    if (isShown || !before.current) return;
    const focused = before.current;
    before.current = null;
    const work = document.querySelector<HTMLElement>("[data-work]");
    if (focused !== document.body && focused.isConnected) (focused as HTMLElement).focus();
    else work?.focus();
  }, [isShown]);
  // With the drawing itself: keys that come right behind the one that opened the help already find it open.
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isInFile = typeof acquireVsCodeApi === "undefined";
      if (isShown && event.key === "Escape") close();
      else if (isInFile && event.altKey && event.key === "F1") open();
      else if (!event.defaultPrevented && keyAction(event, helpKeys)) (isShown ? close : open)();
      else return;
      event.preventDefault();
    };
    const onMessage = ({ data }: MessageEvent) => isMessage(data, openHelpMessage) && open();
    document.addEventListener("keydown", onKey);
    window.addEventListener("message", onMessage);
    return () => {
      document.removeEventListener("keydown", onKey);
      window.removeEventListener("message", onMessage);
    };
  });
  return (
    <OpenHelp.Provider value={open}>
      <div class="under-help" inert={isShown}>
        {children}
      </div>
      {isShown && <HelpDialog help={help} close={close} />}
    </OpenHelp.Provider>
  );
}

declare const acquireVsCodeApi: unknown;

function HelpDialog({
  help: { title, about, keys, screenReader },
  close,
}: {
  help: Help;
  close: () => void;
}) {
  const dialog = useRef<HTMLDivElement>(null);
  const id = useId();
  useLayoutEffect(() => dialog.current?.focus(), []);
  return (
    <div class="help" role="dialog" aria-modal="true" aria-labelledby={id} tabIndex={-1} ref={dialog}>
      {/* A document, so that screen readers let it be read line by line. */}
      <div role="document">
        <h2 id={id}>Help: {title}</h2>
        <p>{about}</p>
        <h3>Keys</h3>
        <dl>
          {[...keys, ...helpKeys].map(({ shown, does }) => (
            <div key={`${shown} ${does}`}>
              <dt>
                <kbd>{shown}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <h3>With a screen reader</h3>
        <ul>
          {screenReader.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      </div>
      <button type="button" class="help-close" onClick={close}>
        Close
      </button>
    </div>
  );
}
