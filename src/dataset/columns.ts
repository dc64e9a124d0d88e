import type { Label } from "../protocol/label.ts";
import type { Columns } from "../protocol/source.ts";

/**
 * Names under which published prompt files keep their columns, most telling first; compared without case.
 * `target` (AdvBench, JailbreakBench) is an attacker's wish, not an answer, so it is a response only when asked for.
 */
const NAMES = {
  prompt: [
    "prompt",
    "forbidden_prompt",
    "instruction",
    "question",
    "goal",
    "request",
    "behavior",
    "query",
    "text",
  ],
  input: ["input", "context"],
  response: ["response", "output", "answer", "completion"],
  label: ["label", "harmfulness", "safety", "type"],
  kind: ["kind", "type", "category", "topic", "semanticcategory"],
  pair: ["pair", "pair_id"],
  split: ["split"],
} satisfies Record<keyof Columns, string[]>;

/** The columns of a file that are understood; those named by the caller win. */
export function findColumns(columns: readonly string[], named: Columns = {}): Columns {
  const byName = new Map(columns.map((column) => [column.trim().toLowerCase(), column]));
  const found: Columns = {};
  for (const role of Object.keys(NAMES) as (keyof Columns)[]) {
    const name = NAMES[role].find((candidate) => byName.has(candidate));
    const column = named[role] ?? (name === undefined ? undefined : byName.get(name));
    if (column !== undefined) found[role] = column;
  }
  // An `input` belongs to an Alpaca instruction; beside another prompt column it may mean anything.
  const alpaca = found.prompt?.toLowerCase() === "instruction";
  if (!alpaca && named.input === undefined) delete found.input;
  return found;
}

const LABEL_WORDS: Record<Label, string[]> = {
  toxic: ["toxic", "unsafe", "harmful", "malicious"],
  seemingly_toxic: ["seemingly_toxic", "pseudo_toxic", "safe", "harmless", "benign"],
  general: ["general"],
};

/** The label that a word in a file means, such as "unsafe" or "Seemingly toxic"; undefined where it means none. */
export function parseLabel(word: string): Label | undefined {
  const plain = word
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");
  return (Object.keys(LABEL_WORDS) as Label[]).find((label) => LABEL_WORDS[label].includes(plain));
}
