import type { Backend, GradientRow, Tokens, TokenTrie } from "../backend/backend.ts";
import { logOdds } from "./refusal.ts";
import { trieProbability } from "./tokenTrie.ts";

/** Refusal of a prompt with what its gradient is made of. */
export interface RefusalPoint {
  readonly probability: number;
  readonly logOdds: number;
  /** ∂(refusal log-odds)/∂(log p of an edge), for each edge of the trie. */
  readonly edges: Float32Array;
}

/**
 * Refusal at a point and the derivatives of its log-odds RS by the log-probabilities of the trie's edges: with
 * P = Σ over openings of Π p, ∂RS/∂log p_e = (1/(P + 1e-8) + 1/(1 − P + 1e-8)) · Σ of the openings through e.
 */
export function refusalPoint(trie: TokenTrie, logProbabilities: ArrayLike<number>): RefusalPoint {
  const { nodes, edges } = trie;
  const probability = trieProbability(trie, (edge) => logProbabilities[edge]!);
  const reached = new Float64Array(nodes.length);
  const mass = new Float64Array(edges.length);
  for (const [e, { parent, child }] of edges.entries()) {
    const path = (parent < 0 ? 0 : reached[parent]!) + logProbabilities[e]!;
    if (child === null) mass[e] = Math.exp(path);
    else reached[child] = path;
  }
  // Nodes come after their parents, so from the last on every edge's subtree is complete before it is added to its own parent's.
  const into = new Map(edges.flatMap(({ child }, e) => (child === null ? [] : [[child, e] as const])));
  const below = new Float64Array(nodes.length);
  for (const [e, { parent, child }] of edges.entries())
    if (child === null && parent >= 0) below[parent]! += mass[e]!;
  for (let node = nodes.length - 1; node >= 0; node--) {
    mass[into.get(node)!] = below[node]!;
    const { parent } = nodes[node]!;
    if (parent >= 0) below[parent]! += below[node]!;
  }
  const slope = 1 / (probability + 1e-8) + 1 / (1 - probability + 1e-8);
  return {
    probability,
    logOdds: logOdds(probability),
    edges: Float32Array.from(mass, (each) => slope * each),
  };
}

/** Refusal of each prompt, with what its gradient is made of. Cost: a forward pass a prompt. @throws DiscernError("output-not-finite"). */
export async function refusalPoints(
  backend: Backend,
  prompts: readonly Tokens[],
  trie: TokenTrie,
  onProgress?: (done: number) => void,
): Promise<RefusalPoint[]> {
  const found = await backend.score(prompts, trie, onProgress ? { onProgress } : {});
  return prompts.map((_, i) => refusalPoint(trie, found.get(i)!.logProbabilities));
}

/** The row of `Backend.gradientProducts` whose gradient is that of a prompt's refusal log-odds. @param weights `RefusalPoint.edges`. */
export function refusalRow(ids: Tokens, trie: TokenTrie, weights: Float32Array): GradientRow {
  return { ids, promptLength: ids.length, scalar: { type: "edges", trie, weights } };
}
