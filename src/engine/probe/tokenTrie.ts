import type { TokenTrie, TrieEdge, TrieNode } from "../backend/backend.ts";

/** One sequence of tokens that counts as an opening. */
type Sequence = readonly number[];

/** Builds the trie of openings; nodes come after their parents. A sequence that begins with another one is in that one. */
export function tokenTrie(sequences: readonly Sequence[]): TokenTrie {
  const nodes: TrieNode[] = [];
  const edges: TrieEdge[] = [];
  const grow = (parent: number, depth: number, members: readonly Sequence[]): void => {
    for (const [token, group] of Map.groupBy(members, (sequence) => sequence[depth])) {
      if (group.some((sequence) => sequence.length === depth + 1)) {
        edges.push({ parent, token, child: null });
        continue;
      }
      const child = nodes.push({ parent, token, depth: depth + 1 }) - 1;
      edges.push({ parent, token, child });
      grow(child, depth + 1, group);
    }
  };
  grow(
    -1,
    0,
    sequences.filter((sequence) => sequence.length > 0),
  );
  return { nodes, edges };
}

/**
 * The trie of token sequences of which none is dropped, and for each its edges, from the root on: the sum of their
 * log-probabilities is the sequence's.
 */
export function pathTrie(sequences: readonly Sequence[]): { trie: TokenTrie; paths: number[][] } {
  const nodes: TrieNode[] = [];
  const edges: { parent: number; token: number; child: number | null }[] = [];
  const known = new Map<string, number>();
  const edgeOf = (parent: number, token: number): number => {
    const key = `${parent} ${token}`;
    const found = known.get(key) ?? edges.push({ parent, token, child: null }) - 1;
    known.set(key, found);
    return found;
  };
  const paths = sequences.map((sequence) => {
    let parent = -1;
    return sequence.map((token, t) => {
      const edge = edgeOf(parent, token);
      if (t + 1 < sequence.length) {
        edges[edge]!.child ??= nodes.push({ parent, token, depth: t + 1 }) - 1;
        parent = edges[edge]!.child!;
      }
      return edge;
    });
  });
  return { trie: { nodes, edges }, paths };
}

/** The probability of each sequence of a trie, from the log-probability of every edge; they sum to {@link trieProbability}. */
export function sequenceProbabilities(
  { nodes, edges }: TokenTrie,
  logProbability: (edge: number) => number,
): { readonly tokens: readonly number[]; readonly probability: number }[] {
  const paths: { readonly tokens: readonly number[]; readonly log: number }[] = Array(nodes.length);
  const found: { readonly tokens: readonly number[]; readonly probability: number }[] = [];
  for (const [i, { parent, token, child }] of edges.entries()) {
    const before = parent < 0 ? { tokens: [], log: 0 } : paths[parent]!;
    const path = { tokens: [...before.tokens, token], log: before.log + logProbability(i) };
    if (child === null) found.push({ tokens: path.tokens, probability: Math.exp(path.log) });
    else paths[child] = path;
  }
  return found;
}

/**
 * Σ over openings of Π p(token | path), from the log-probability of every edge.
 * A lower bound of the probability of any refusal, at most 1.
 */
export function trieProbability(
  { nodes, edges }: TokenTrie,
  logProbability: (edge: number) => number,
): number {
  const reached = new Float64Array(nodes.length);
  let total = 0;
  for (const [i, { parent, child }] of edges.entries()) {
    const path = (parent < 0 ? 0 : reached[parent]) + logProbability(i);
    if (child === null) total += Math.exp(path);
    else reached[child] = path;
  }
  return Math.min(1, total);
}

/**
 * The spellings under which an opening is looked for: both apostrophes, with and without a leading space. An opening that begins with
 * a line break is looked for as it stands.
 */
export function spellings(opening: string): string[] {
  const straight = plainOpening(opening);
  const apostrophes = straight.includes("'") ? [straight, straight.replaceAll("'", "’")] : [straight];
  return apostrophes.flatMap((text) => (/^\s/.test(text) ? [text] : [text, ` ${text}`]));
}

/** What the spellings of an opening have in common: the straight apostrophe, no spaces around. */
export function plainOpening(opening: string): string {
  return opening.replaceAll("’", "'").replace(/^ +| +$/g, "");
}
