import type { Label } from "../protocol/label.ts";
import type { Columns, NamedColumns } from "../protocol/source.ts";

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
  context: ["contextstring", "context_string"],
  input: ["input", "context"],
  response: ["response", "output", "answer", "completion"],
  label: ["label", "harmfulness", "safety", "type"],
  kind: ["kind", "type", "category", "topic", "semanticcategory"],
  pair: ["pair", "pair_id"],
  split: ["split"],
  // What is called an id numbers the rows of one file and the pairs of another: only a person says which.
  id: [],
  counterpart: [],
} satisfies Record<keyof Columns, string[]>;

/** The columns of a file that are understood; those named by the caller win, and null names none. */
export function findColumns(columns: readonly string[], named: NamedColumns = {}): Columns {
  // Of two columns whose names differ in case alone the first counts.
  const byName = new Map(columns.toReversed().map((column) => [column.trim().toLowerCase(), column]));
  const found: Columns = {};
  for (const role of Object.keys(NAMES) as (keyof Columns)[]) {
    if (named[role] === null) continue;
    const name = NAMES[role].find((candidate: string) => byName.has(candidate));
    const column = named[role] ?? (name === undefined ? undefined : byName.get(name));
    if (column !== undefined) found[role] = column;
  }
  // Names of pairs and of counterparts may be the same numbers, so that only one of them makes pairs.
  if (named.counterpart && named.pair === undefined) delete found.pair;
  // An `input` belongs to an Alpaca instruction; beside another prompt column it may mean anything.
  const alpaca = found.prompt?.toLowerCase() === "instruction";
  if (!alpaca && named.input === undefined) delete found.input;
  return found;
}

/** The columns that look like a part of the prompt and are none as a file is understood. */
export function unusedContext(columns: readonly string[], found: Columns): string[] {
  const names = [...NAMES.context, ...NAMES.input];
  const used = Object.values(found);
  return columns.filter((name) => names.includes(name.trim().toLowerCase()) && !used.includes(name));
}

const TOXIC = ["toxic", "unsafe", "harmful", "malicious"];
const SAFE = ["safe", "harmless", "benign"];

/** Words for a label, and for its denial: "not harmful", "non-toxic", "unharmful". */
const denials = (words: readonly string[]) =>
  words.flatMap((word) => [`not_${word}`, `non_${word}`, `non${word}`]);
const LABEL_WORDS: Record<Label, readonly string[]> = {
  toxic: [...TOXIC, ...denials(SAFE)],
  seemingly_toxic: [
    "seemingly_toxic",
    "pseudo_toxic",
    "pseudo_harmful",
    ...SAFE,
    ...denials(TOXIC),
    "unharmful",
    "untoxic",
  ],
  general: ["general"],
};

/**
 * The label that a word in a file means, such as "unsafe", "non-toxic" or "Seemingly toxic"; undefined where it means
 * none. Numbers and yes or no mean none: 1 is the harmful one in some files and the harmless one in others.
 */
export function parseLabel(word: string): Label | undefined {
  const plain = word
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/g, "_");
  return (Object.keys(LABEL_WORDS) as Label[]).find((label) => LABEL_WORDS[label].includes(plain));
}
