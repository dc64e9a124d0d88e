import type { TokenTrie, TrieEdge, TrieNode } from "../backend/backend.ts";

/** One sequence of tokens that counts as an opening. */
type Sequence = readonly number[];

/** Builds the trie of token sequences; nodes come after their parents. */
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
 * The spellings under which an opening is looked for: both apostrophes, with and without a leading space.
 */
export function spellings(opening: string): string[] {
  const straight = opening.trim().replaceAll("’", "'");
  const apostrophes = straight.includes("'") ? [straight, straight.replaceAll("'", "’")] : [straight];
  return apostrophes.flatMap((text) => [text, ` ${text}`]);
}
