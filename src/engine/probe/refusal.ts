import type { Backend, MeasureOptions, Tokens, TokenTrie, TrieScore } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { type ProgressOptions, withKept } from "./kept.ts";
import { sequenceProbabilities, spellings, tokenTrie, trieProbability } from "./tokenTrie.ts";

/** How likely a model is to open its answer to one prompt with a refusal. */
export interface RefusalScore {
  /** Σ of the openings' probabilities, in [0, 1]. */
  readonly probability: number;
  /** ln(P + 1e-8) − ln(1 − P + 1e-8), as in Arditi et al. 2024. */
  readonly logOdds: number;
  /** Entropy of the distribution of the first answer token, in nats, where the backend reports it. */
  readonly entropy?: number;
}

/** Scores prompts by the openings of a refusal. Cost: one pass, see `Backend.score`. */
export class RefusalScorer {
  readonly trie: TokenTrie;
  private readonly backend: Backend;
  private readonly openings: readonly Tokens[];

  /** @param openings tokens of each spelling of each opening, as they stand where an answer begins. */
  constructor(backend: Backend, openings: readonly Tokens[]) {
    this.backend = backend;
    this.openings = openings;
    this.trie = tokenTrie(openings);
  }

  /** A scorer by openings in words. */
  static async create(
    backend: Backend,
    encoder: PromptEncoder,
    openings: readonly string[],
  ): Promise<RefusalScorer> {
    return new RefusalScorer(backend, await encoder.openings(openings.flatMap(spellings)));
  }

  /** The same openings, asked of another backend. */
  on(backend: Backend): RefusalScorer {
    return new RefusalScorer(backend, this.openings);
  }

  /** How many tokens stand behind a prompt while it is scored. */
  get depth(): number {
    return this.trie.nodes.reduce((deepest, { depth }) => Math.max(deepest, depth), 0);
  }

  /**
   * The refusal score of each prompt, in the order given.
   *
   * @param prompts tokens of each prompt, up to where the answer begins.
   * @throws DiscernError("output-not-finite").
   */
  async score(
    prompts: readonly Tokens[],
    {
      interventions = [],
      ...options
    }: ProgressOptions<RefusalScore> & Pick<MeasureOptions, "interventions"> = {},
  ): Promise<RefusalScore[]> {
    return withKept<TrieScore, RefusalScore>(
      prompts.length,
      options,
      (batches) => this.backend.score(prompts, this.trie, { ...batches, interventions, entropy: true }),
      ({ logProbabilities, entropy }) => {
        const probability = trieProbability(this.trie, (edge) => logProbabilities[edge]!);
        return { probability, logOdds: logOdds(probability), ...(entropy === undefined ? {} : { entropy }) };
      },
    );
  }

  /** The probability of each sequence of tokens that counts as an opening, behind one prompt; they sum to its score. */
  async bySequence(prompt: Tokens): Promise<ReturnType<typeof sequenceProbabilities>> {
    const found = await this.backend.score([prompt], this.trie);
    const { logProbabilities } = found.get(0)!;
    return sequenceProbabilities(this.trie, (edge) => logProbabilities[edge]!);
  }
}

/** ln(P + 1e-8) − ln(1 − P + 1e-8): refusal on the scale where differences mean the same everywhere. */
export function logOdds(probability: number): number {
  return Math.log(probability + 1e-8) - Math.log(1 - probability + 1e-8);
}
