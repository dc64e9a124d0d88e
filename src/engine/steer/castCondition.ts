/**
 * CAST's conditions: what they are taken from, the blocks and thresholds that they are chosen at, and where they hold. A condition is
 * checked at one block or at several, and several conditions stand side by side; any that holds at any of its blocks decides.
 */

import { DiscernError } from "../../protocol/errors.ts";
import type { ConditionRecord } from "../../protocol/steeringRecord.ts";
import { greatestOf, leastOf } from "../../statistics/extremes.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import { bestGate, type FoundGate, f1, type Gate, gateSides, isBetter, margin, takes } from "./gate.ts";
import type { FittedSteering } from "./method.ts";
import { type PrincipalDirection, pairwiseDirection } from "./principalDirection.ts";
import { cosine, dot, rowsOf, rowsOfTensor, type Vector } from "./vectors.ts";

/** A condition with the direction ĉ of each of its blocks, (C). */
export interface Condition extends ConditionRecord {
  readonly directions: readonly Vector[];
}

/** What a prompt's tokens come to at blocks, by block: for each prompt its mean or last token, (C). */
export type States = ReadonlyMap<number, readonly Vector[]>;

/**
 * Condition directions at the outputs of blocks, from pairs of a harmful and another prompt, mean over all tokens.
 *
 * @param groups of harmful prompts, each with directions of its own.
 * @returns for each group, for each block.
 */
export async function conditionDirections(
  backend: Backend,
  groups: readonly (readonly Tokens[])[],
  others: readonly Tokens[],
  blocks: readonly number[],
): Promise<PrincipalDirection[][]> {
  const pairs = groups.map(({ length }) => Math.min(length, others.length));
  const layers = blocks.map((block) => block + 1);
  const means = (prompts: readonly Tokens[]) => statesOf(backend, prompts, layers, "mean");
  const above = await means(groups.flatMap((group, g) => group.slice(0, pairs[g])));
  const below = await means(others.slice(0, greatestOf(pairs)));
  let start = 0;
  return pairs.map((count) => {
    const first = start;
    start += count;
    return layers.map((layer) =>
      pairwiseDirection(above.get(layer)!.slice(first, first + count), below.get(layer)!.slice(0, count)),
    );
  });
}

/** What prompts come to at the inputs of blocks. */
export async function statesOf(
  backend: Backend,
  prompts: readonly Tokens[],
  blocks: readonly number[],
  pooling: "mean" | "last",
): Promise<States> {
  const layers = [...new Set(blocks)];
  const found = await backend.features(prompts, { layers, pooling, shared: 0 });
  return new Map(layers.map((layer) => [layer, rowsOf(found.get(layer)!)]));
}

/**
 * How near prompts are to directions: the cosine of what a block reads, h, and tanh(ĉĉᵀh), for each block and its ĉ.
 *
 * @returns for each block, for each prompt.
 */
export function conditionSimilarities(
  states: States,
  blocks: readonly number[],
  directions: readonly Vector[],
): number[][] {
  return blocks.map((block, i) => states.get(block)!.map((h) => conditionSimilarity(h, directions[i]!)));
}

/** cos(h, tanh(ĉĉᵀh)) for a condition ĉ of length one. */
export function conditionSimilarity(h: Vector, condition: Vector): number {
  const along = dot(condition, h);
  return cosine(
    h,
    Float64Array.from(condition, (x) => Math.tanh(along * x)),
  );
}

/** One score for several blocks: it lies on a side of a threshold exactly where that of any of them does. */
function pooled(scores: readonly number[], side: Gate["side"]): number {
  return side === "from" ? greatestOf(scores) : leastOf(scores);
}

/** Similarities of validation prompts: for each block, for each prompt. */
export interface BlockScores {
  readonly unsafe: readonly (readonly number[])[];
  readonly safe: readonly (readonly number[])[];
}

/** Blocks that a condition is checked at, and the threshold that is best there. */
export interface BlockChoice {
  readonly layers: readonly number[];
  readonly gate: FoundGate;
}

/**
 * The blocks, threshold and side with the highest F1 among all choices of up to `most` blocks, which share threshold and side. Of equals
 * the one with fewer blocks is taken, then the earlier one.
 *
 * @param blocks those that the scores are of.
 * @returns `compared`: each block by itself, and the best choice of each larger number.
 * @throws DiscernError `request-invalid` where no similarity is finite.
 */
export function chooseBlocks(
  scores: BlockScores,
  blocks: readonly number[],
  most: number,
): { readonly best: BlockChoice; readonly compared: readonly BlockChoice[] } {
  const compared: BlockChoice[] = [];
  for (let count = 1; count <= Math.min(most, blocks.length); count++) {
    const choices = combinations(blocks.length, count).flatMap((places): BlockChoice[] => {
      const gate = gateAt(scores, places);
      return gate === null ? [] : [{ layers: places.map((place) => blocks[place]!), gate }];
    });
    if (count > 1 && choices.length > 0) compared.push(firstBest(choices));
    else for (const choice of choices) compared.push(choice);
  }
  if (compared.length === 0) {
    throw new DiscernError(
      "request-invalid",
      "CAST's condition cannot be chosen: the model's activations on validation prompts are not finite. Compute it in float32.",
    );
  }
  return { best: firstBest(compared), compared };
}

/** The first of those with the highest F1. */
function firstBest(choices: readonly BlockChoice[]): BlockChoice {
  return choices.reduce((best, each) =>
    isBetter({ ...each.gate, gap: 0 }, { ...best.gate, gap: 0 }) ? each : best,
  );
}

function gateAt({ unsafe, safe }: BlockScores, places: readonly number[]): FoundGate | null {
  const found = gateSides.flatMap((side) => {
    const ofClass = (scores: BlockScores["safe"]) =>
      scores[0]!.map((_, prompt) =>
        pooled(
          places.map((place) => scores[place]![prompt]!),
          side,
        ),
      );
    return bestGate({ unsafe: ofClass(unsafe), safe: ofClass(safe) }, f1, [side]) ?? [];
  });
  const [first, second] = found;
  if (!first || !second) return null;
  return isBetter(second, first) ? second : first;
}

/** Every choice of `count` of 0 to n − 1, ascending. */
function combinations(n: number, count: number, from = 0): number[][] {
  if (count === 0) return [[]];
  return Array.from({ length: Math.max(0, n - from) }, (_, i) => from + i).flatMap((first) =>
    combinations(n, count - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

/** What conditions come to for one prompt. */
export interface Held {
  /** Which of them hold. */
  readonly holds: readonly boolean[];
  /**
   * What they are decided by together, against `commonGate`: the score of the only one, or how far within its threshold the one that
   * holds most clearly lies.
   */
  readonly score: number;
}

/** Where the score of `Held` means that a condition holds. */
export function commonGate(conditions: readonly Gate[]): Gate {
  const [only] = conditions;
  return conditions.length === 1
    ? { threshold: only!.threshold, side: only!.side }
    : { threshold: 0, side: "from" };
}

/** Which conditions hold for each prompt. */
export function heldConditions(conditions: readonly Condition[], states: States): Held[] {
  const scores = conditions.map(({ layers, directions, side }) => {
    const similarities = conditionSimilarities(states, layers, directions);
    return similarities[0]!.map((_, prompt) =>
      pooled(
        similarities.map((of) => of[prompt]!),
        side,
      ),
    );
  });
  return scores[0]!.map((only, prompt) => ({
    holds: conditions.map((condition, c) => takes(condition, scores[c]![prompt]!)),
    score:
      conditions.length === 1
        ? only
        : greatestOf(conditions.map((condition, c) => margin(condition, scores[c]![prompt]!))),
  }));
}

/** The conditions of a fitted CAST. Files of older versions state one, of one block, by numbers and what was chosen. */
export function fittedConditions({
  conditions,
  chosen,
  numbers,
  tensors,
}: Pick<FittedSteering, "conditions" | "chosen" | "numbers" | "tensors">): Condition[] {
  const rows = rowsOfTensor(tensors.get("condition")!);
  const records = conditions ?? [
    {
      layers: [numbers.conditionLayer!],
      threshold: numbers.threshold!,
      side: chosen.side as ConditionRecord["side"],
    },
  ];
  let row = 0;
  return records.map((record) => ({ ...record, directions: record.layers.map(() => rows[row++]!) }));
}
