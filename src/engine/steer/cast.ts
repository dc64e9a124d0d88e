import type { SteeringOf } from "../../protocol/steering.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { meanOf, promptCounts, splitGroups } from "./directions.ts";
import { bestGate, f1, type Gate, gateNotes, gateNumbers, takes } from "./gate.ts";
import { layerBand, layerWords } from "./layerBand.ts";
import type { FitContext, SteeringMethod } from "./method.ts";
import { type PrincipalDirection, pairwiseDirection } from "./principalDirection.ts";
import { cosine, dot, meanVector, rowsOf, rowsOfTensor, stacked, type Vector } from "./vectors.ts";

/** Blocks whose inputs the published code steers by default, in models of 32. */
const published = { from: 10, to: 15, depth: 32 };

/**
 * CAST, conditional activation steering (Lee et al. 2025): a refusal vector is added where a condition holds.
 *
 * Both kinds of direction are first principal components of pairs (`principalDirection.ts`) at the outputs of blocks. Of the
 * condition: harmful and harmless prompts without what has the model answer, mean over all tokens. Of the behaviour: harmless
 * questions followed by a refusal and by the beginning of a helpful answer, mean over the tokens of that text; texts are the recipe's
 * own. As in the published code, a direction at the output of block ℓ is compared with, and added to, the input of block ℓ.
 *
 * The condition compares the mean h of a prompt's tokens with tanh(ĉĉᵀh), by cosine, in a pass of its own. The block, threshold and side
 * with the highest F1 on validation prompts are taken, among blocks up to the first that is steered, since the published
 * code checks while it computes and would reach others too late.
 */
export const cast: SteeringMethod<"cast"> = {
  type: "cast",
  title: "CAST",

  async fit(steering, context) {
    const { backend } = context;
    const { shape } = backend;
    const groups = await splitGroups(["harmful", "harmless", "pseudoHarmful"], steering, context);
    const { harmful, harmless, pseudoHarmful } = groups;
    const blocks = steering.layers ?? layerBand(published, shape.layers);
    const turns = await turnsOf(context.encoder);
    const searched = steering.conditionLayers ?? upTo(blocks[0]!, shape.layers);
    const conditions = await conditionDirections(
      backend,
      turns(harmful.train),
      turns(groups[steering.contrast].train),
      searched,
    );
    const similarities = (prompts: readonly Tokens[]) =>
      conditionSimilarities(backend, prompts, searched, conditions, steering.pooling);
    const [unsafe, ...safe] = await inTurn([harmful, pseudoHarmful, harmless], ({ validation }) =>
      similarities(validation),
    );
    const scores = searched.map((_, i) => ({ unsafe: unsafe![i]!, safe: safe.flatMap((of) => of[i]!) }));
    const found = scores.map((each) => bestGate(each, f1, ["from", "below"]));
    const best = found.reduce(
      (most, gate, i) => ((gate?.value ?? 0) > (found[most]?.value ?? 0) ? i : most),
      0,
    );
    const gate = found[best]!;
    const { pairs, notes } = await suffixPairs(steering, context);
    const questions = turns(harmless.train).slice(0, steering.questions);
    const behaviours = await behaviourDirections(backend, questions, pairs, blocks);
    return {
      tensors: new Map([
        ["condition", stacked([conditions[best]!.direction])],
        ["behaviour", stacked(behaviours.map(({ direction }) => direction))],
      ]),
      chosen: {
        conditionLayer: searched[best]!,
        threshold: gate.threshold,
        side: gate.side,
        layers: layerWords(blocks),
        strength: steering.strength,
      },
      numbers: {
        conditionLayer: searched[best]!,
        threshold: gate.threshold,
        f1: gate.value,
        conditionExplainedVariance: conditions[best]!.explained,
        behaviourExplainedVariance: meanOf(behaviours.map(({ explained }) => explained)),
        behaviourPairs: questions.length * pairs.length,
        ...gateNumbers(scores[best]!, gate),
      },
      prompts: promptCounts(groups, context.prompts),
      notes: [...notes, ...gateNotes(scores[best]!, gate)],
      candidates: found.map((each, i) => ({
        layer: searched[i]!,
        threshold: each!.threshold,
        side: each!.side,
        f1: each!.value,
      })),
    };
  },

  async steer({ steering, chosen, numbers, tensors }, { backend }, prompts) {
    const { strength, steered, pooling, layers } = steering;
    if (strength === 0) return { interventions: [] };
    const blocks = layers ?? layerBand(published, backend.shape.layers);
    const gate: Gate = { threshold: numbers.threshold!, side: chosen.side as Gate["side"] };
    const condition = [{ direction: rowsOfTensor(tensors.get("condition")!)[0]! }];
    const ids = prompts.map((prompt) => prompt.ids);
    const layer = [numbers.conditionLayer!];
    const [scores] = (await conditionSimilarities(backend, ids, layer, condition, pooling)) as [number[]];
    const decisions = scores.map((score) => {
      if (takes(gate, score)) return steered === "unsafe" ? 1 : 0;
      return steered === "safe" ? -1 : 0;
    });
    const behaviours = rowsOfTensor(tensors.get("behaviour")!);
    return {
      interventions: blocks.map((block, i) => ({
        site: { at: "block-input", layers: [block] },
        positions: "all",
        action: { type: "add", vector: behaviours[i]!.map((x) => strength * x) },
        scale: Float32Array.from(decisions),
      })),
      gate: scores.map((score, i) => ({ decision: decisions[i]!, score })),
    };
  },
};

/** Blocks 1 to n, as far as the model has them: what block 0 reads is embeddings alone. */
function upTo(n: number, layers: number): number[] {
  const last = Math.min(Math.max(1, n), layers - 1);
  return last < 1 ? [0] : Array.from({ length: last }, (_, i) => i + 1);
}

/** Takes from prompts what has the model answer: the tokens that all of them end in behind the user's turn. */
async function turnsOf(encoder: PromptEncoder): Promise<(prompts: readonly Tokens[]) => Tokens[]> {
  const [prompt, turn] = [await encoder.prompt("Hello"), await encoder.turn("Hello")];
  const begins = turn.every((token, i) => prompt[i] === token);
  const length = begins ? prompt.length - turn.length : 0;
  return (prompts) => prompts.map((ids) => ids.slice(0, ids.length - length));
}

/**
 * Condition directions at the outputs of blocks, from pairs of a harmful and another prompt, mean over all tokens.
 *
 * @returns for each block.
 */
export async function conditionDirections(
  backend: Backend,
  harmful: readonly Tokens[],
  others: readonly Tokens[],
  blocks: readonly number[],
): Promise<PrincipalDirection[]> {
  const pairs = Math.min(harmful.length, others.length);
  const layers = blocks.map((block) => block + 1);
  const means = (prompts: readonly Tokens[]) =>
    backend.features(prompts.slice(0, pairs), { layers, pooling: "mean", shared: 0 });
  const [above, below] = [await means(harmful), await means(others)];
  return layers.map((layer) => pairwiseDirection(rowsOf(above.get(layer)!), rowsOf(below.get(layer)!)));
}

/**
 * How near prompts are to conditions: the cosine of what a block reads, h, and tanh(ĉĉᵀh), for each block and its ĉ.
 *
 * @returns for each block, for each prompt.
 */
export async function conditionSimilarities(
  backend: Backend,
  prompts: readonly Tokens[],
  blocks: readonly number[],
  conditions: readonly { readonly direction: Vector }[],
  pooling: "mean" | "last",
): Promise<number[][]> {
  const found = await backend.features(prompts, { layers: blocks, pooling, shared: 0 });
  return blocks.map((block, i) =>
    rowsOf(found.get(block)!).map((h) => conditionSimilarity(h, conditions[i]!.direction)),
  );
}

/** cos(h, tanh(ĉĉᵀh)) for a condition ĉ of length one. */
export function conditionSimilarity(h: Vector, condition: Vector): number {
  const along = dot(condition, h);
  return cosine(
    h,
    Float64Array.from(condition, (x) => Math.tanh(along * x)),
  );
}

/** A refusal and the beginning of a helpful answer, as tokens. */
export interface SuffixPair {
  readonly refusal: Tokens;
  readonly answer: Tokens;
}

/** The texts that a behaviour is taken from. */
async function suffixPairs(
  { suffixes, suffixTokens }: SteeringOf<"cast">,
  { prompts, encoder }: Pick<FitContext, "prompts" | "encoder">,
): Promise<{ pairs: SuffixPair[]; notes: string[] }> {
  const count = Math.min(suffixes, prompts.refusals.length, prompts.answers.length);
  const tokens = async (texts: readonly string[]) =>
    (await encoder.openings(texts.slice(0, count))).map((ids) => ids.slice(0, suffixTokens));
  const [refusals, helpful] = [await tokens(prompts.refusals), await tokens(prompts.answers)];
  return {
    pairs: refusals.map((refusal, i) => ({ refusal, answer: helpful[i]! })),
    notes:
      count < suffixes
        ? [`There were ${count} pairs of a refusal and a helpful answer, and suffixes asks for ${suffixes}.`]
        : [],
  };
}

/**
 * Behaviour directions at the outputs of blocks: every question followed by every refusal and by the answer at its side, mean over
 * the tokens of the latter.
 *
 * @returns for each block.
 */
export async function behaviourDirections(
  backend: Backend,
  questions: readonly Tokens[],
  pairs: readonly SuffixPair[],
  blocks: readonly number[],
): Promise<PrincipalDirection[]> {
  const layers = blocks.map((block) => block + 1);
  const means = async (suffixOf: (pair: SuffixPair) => Tokens) => {
    const rows = questions.flatMap((question) =>
      pairs.map((pair) => ({ ids: [...question, ...suffixOf(pair)], start: question.length })),
    );
    const positions = rows.map(({ ids, start }) => ids.map((_, t) => t).slice(start));
    const found = await backend.features(
      rows.map(({ ids }) => ids),
      { layers, pooling: { positions } },
    );
    return layers.map((layer) => {
      const tokens = rowsOf(found.get(layer)!);
      return positions.map(({ length }) => meanVector(tokens.splice(0, length)));
    });
  };
  const refusing = await means(({ refusal }) => refusal);
  const answering = await means(({ answer }) => answer);
  return refusing.map((of, i) => pairwiseDirection(of, answering[i]!));
}

/** Results of work done one after another. */
async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
