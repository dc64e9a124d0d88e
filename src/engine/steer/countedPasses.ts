import { greatestOf } from "../../statistics/extremes.ts";
import type { Backend, Example, FeatureOptions, Tokens, TokenTrie } from "../backend/backend.ts";

/** A backend that counts the tokens of forward passes that are asked of it. */
export interface CountedBackend {
  readonly backend: Backend;
  /** Tokens so far, in passes through all blocks: a pass that ends at block ℓ of L counts its tokens as ℓ/L. */
  readonly tokens: () => number;
}

const lengths = (rows: readonly Tokens[]) => rows.reduce((sum, { length }) => sum + length, 0);

/** Counts what is asked of a backend while a steering method is fitted, a layer chosen or prompts monitored; answers and gradients are none of that. */
export function countedPasses(backend: Backend): CountedBackend {
  let tokens = 0;
  const counts: Partial<Record<keyof Backend, (...asked: never[]) => number>> = {
    nextTokens: (prompts: readonly Tokens[]) => lengths(prompts),
    losses: (examples: readonly Example[]) => lengths(examples.map(({ ids }) => ids)),
    features: (prompts: readonly Tokens[], { layers }: FeatureOptions) =>
      (lengths(prompts) * greatestOf([0, ...layers])) / backend.shape.layers,
    score(prompts: readonly Tokens[], trie: TokenTrie | readonly TokenTrie[]) {
      const nodes = (of: TokenTrie) => of.nodes.length;
      const behind =
        "nodes" in trie ? prompts.length * nodes(trie) : trie.reduce((sum, each) => sum + nodes(each), 0);
      return lengths(prompts) + behind;
    },
  };
  const counted = new Proxy(backend, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const count = counts[name as keyof Backend];
      return (...asked: never[]) => {
        tokens += count?.(...asked) ?? 0;
        return value.apply(target, asked);
      };
    },
  });
  return { backend: counted, tokens: () => tokens };
}
