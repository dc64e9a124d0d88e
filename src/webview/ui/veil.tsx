import { useState } from "preact/hooks";

/**
 * Words of a prompt, blurred until they are wanted: pointed at, reached with the Tab key, or all of them with B. Blurred
 * words are hidden from a screen reader too, which says how to have them read instead: someone may be listening as well as
 * looking on.
 */
export function Veil({ words, revealed, class: name }: { words: string; revealed: boolean; class: string }) {
  const [near, setNear] = useState(false);
  const veiled = !revealed && !near;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing only shows what the button inside and B show as well.
    <div class={`veil ${name}`} onMouseEnter={() => setNear(true)} onMouseLeave={() => setNear(false)}>
      <p class={`words${veiled ? " blurred" : ""}`} aria-hidden={veiled} data-veiled={veiled}>
        {words}
      </p>
      {!revealed && (
        <button
          type="button"
          class={`lift${veiled ? "" : " near"}`}
          aria-keyshortcuts="B"
          onFocus={() => setNear(true)}
          onBlur={() => setNear(false)}
          onClick={() => setNear(true)}
        >
          <span class="codicon codicon-eye-closed" aria-hidden="true" />
          {veiled ? "Blurred: point here, or press B" : "Shown while you are here; B shows all"}
        </button>
      )}
    </div>
  );
}
