import { unseen } from "../../wording/unseen.ts";

/**
 * Text of a data set or a model: a text node, never markup. Characters that reorder or hide text are shown by their number, so that a
 * person reads the words that a model reads.
 *
 * @param hidden blurred until one points at them, for those who did not come to read them
 */
export function Words({ text, hidden }: { text: string; hidden: boolean }) {
  const shown = text.trim();
  if (shown === "") return <span class="muted">(no words)</span>;
  return (
    <span class={`words ${hidden ? "blurred" : ""}`}>
      {unseen(shown).map((part, i) =>
        // Every other part is such a character.
        i % 2 === 0 ? (
          part
        ) : (
          <span key={i} class="unseen">
            {part}
          </span>
        ),
      )}
    </span>
  );
}
