/** A table of Markdown. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(plain).join(" | ")} |`;
  return [line(header), `|${" --- |".repeat(header.length)}`, ...rows.map(line)].join("\n");
}

/** Words of a data set for a cell of a table: shown as they are, no link, picture, code or emphasis. */
export function literal(words: string): string {
  return words.replace(/[\\`*_[\]~|]/g, "\\$&");
}

/** A text in a line of Markdown. Names come from files: a pipe, a line break or a tag in them must not become markup. */
export function plain(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/(?<!\\)\|/g, "\\|");
}
