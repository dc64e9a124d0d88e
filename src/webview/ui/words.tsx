/**
 * Text of a data set or a model: a text node, never markup.
 *
 * @param hidden blurred until one points at them, for those who did not come to read them
 */
export function Words({ text, hidden }: { text: string; hidden: boolean }) {
  const shown = text.trim();
  if (shown === "") return <span class="muted">(no words)</span>;
  return <span class={`words ${hidden ? "blurred" : ""}`}>{shown}</span>;
}
