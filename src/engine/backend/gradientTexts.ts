/** How rows of gradients become texts that are run once, with all scalars of each: the same for every backend. */
import type { GradientRow, Scalar, Tokens, TokenTrie } from "./backend.ts";

/** Σ weight·(z − normalised·lse) over some tokens, at places of a text whose hidden states are read. */
export interface ScalarTerms {
  /** Index among the text's read places, token, and factor. */
  readonly entries: readonly (readonly [place: number, token: number, weight: number])[];
  /** Factors of all logits at the one place that is read, (V); null for those of entries alone. */
  readonly all: Float32Array | null;
}

/** A text with the scalars of it that are wanted. */
export interface GradientText {
  /** Its tokens; behind those of a prompt the inner nodes of its trie. */
  readonly tokens: Tokens;
  /** How many of them are the text itself. */
  readonly own: number;
  readonly trie: TokenTrie;
  /** Whether terms are log-probabilities instead of logits. */
  readonly normalised: boolean;
  /** The tokens whose next-token logits the scalars are made of, by their index in `tokens`. */
  readonly places: readonly number[];
  readonly scalars: readonly ScalarTerms[];
  /** For each scalar the rows of the left side, and of the right side, that it is. */
  readonly left: readonly (readonly number[])[];
  readonly right: readonly (readonly number[])[];
}

const noTrie: TokenTrie = { nodes: [], edges: [] };

/** The texts of rows. @param right null for the rows of `left`. */
export function gradientTexts(
  left: readonly GradientRow[],
  right: readonly GradientRow[] | null,
): GradientText[] {
  const texts = new Map<string, Growing>();
  const tries = new Map<TokenTrie, number>();
  const add = (row: GradientRow, side: "left" | "right", index: number) => {
    const trie = row.scalar.type === "edges" ? row.scalar.trie : noTrie;
    if (!tries.has(trie)) tries.set(trie, tries.size);
    const kind = row.scalar.type === "all-logits" ? "logits" : row.scalar.type;
    const start = kind === "answer-loss" ? row.promptLength : 0;
    const key = `${kind} ${tries.get(trie)} ${start} ${row.ids.join(",")}`;
    const text = texts.get(key) ?? begun(row, trie);
    texts.set(key, text);
    // An answer has one loss; other scalars are known by identity.
    let at = kind === "answer-loss" ? text.known.length - 1 : text.known.indexOf(row.scalar);
    if (at < 0) {
      at = text.known.push(row.scalar) - 1;
      text.scalars.push(termsOf(row));
      text.left.push([]);
      text.right.push([]);
    }
    text[side][at]!.push(index);
  };
  for (const [i, row] of left.entries()) add(row, "left", i);
  for (const [i, row] of (right ?? left).entries()) add(row, "right", i);
  return [...texts.values()];
}

interface Growing extends GradientText {
  readonly known: Scalar[];
  readonly scalars: ScalarTerms[];
  readonly left: number[][];
  readonly right: number[][];
}

function begun({ ids, promptLength, scalar }: GradientRow, trie: TokenTrie): Growing {
  const last = ids.length - 1;
  const answer = Array.from({ length: ids.length - promptLength }, (_, i) => promptLength - 1 + i);
  return {
    tokens: [...ids, ...trie.nodes.map(({ token }) => token)],
    own: ids.length,
    trie,
    normalised: scalar.type === "edges" || scalar.type === "answer-loss",
    places:
      scalar.type === "answer-loss" ? answer : [last, ...trie.nodes.map((_, node) => ids.length + node)],
    known: [],
    scalars: [],
    left: [],
    right: [],
  };
}

function termsOf({ ids, promptLength, scalar }: GradientRow): ScalarTerms {
  switch (scalar.type) {
    case "answer-loss":
      return { entries: ids.slice(promptLength).map((token, i) => [i, token, -1] as const), all: null };
    case "all-logits":
      return { entries: [], all: scalar.weights };
    case "logits":
      return { entries: scalar.tokens.map((token, i) => [0, token, scalar.weights[i]!] as const), all: null };
    case "edges":
      return {
        entries: scalar.trie.edges.map(
          ({ parent, token }, e) => [parent + 1, token, scalar.weights[e]!] as const,
        ),
        all: null,
      };
  }
}

/** Whether products of two texts are wanted, in either order. */
export function areMultiplied(a: GradientText, b: GradientText): boolean {
  const has = (side: readonly (readonly number[])[]) => side.some(({ length }) => length > 0);
  return (has(a.left) && has(b.right)) || (has(b.left) && has(a.right));
}
