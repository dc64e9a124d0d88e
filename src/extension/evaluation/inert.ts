import { greatestOf } from "../../statistics/extremes.ts";

/** Characters of an answer that a hover shows; the report has the rest. */
const SHOWN = 600;

/** A text cut to what a hover has room for, between two characters and not within one. */
export function cut(text: string, length: number = SHOWN): string {
  const characters = Array.from(text.slice(0, 2 * length + 2));
  return characters.length > length ? `${characters.slice(0, length).join("").trimEnd()}…` : text;
}

/**
 * A model's words as a fenced block of Markdown, in which nothing is markup: the fence is longer than any run of
 * backticks within.
 */
export function fenced(text: string): string {
  const runs = text.match(/`+/g) ?? [];
  const fence = "`".repeat(greatestOf([3, ...runs.map(({ length }) => length + 1)]));
  return `${fence}text\n${text.replace(/\r\n?/g, "\n")}\n${fence}`;
}

/** A text as one line of Markdown prose in which every sign stands for itself. */
export function escaped(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .trim()
    .replace(/[!-/:-@[-`{-~]/g, (sign) => (sign === "<" ? "&lt;" : sign === "&" ? "&amp;" : `\\${sign}`));
}
