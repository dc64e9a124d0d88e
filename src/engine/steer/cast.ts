import type { SteeringOf } from "../../protocol/steering.ts";
import type { ConditionRecord } from "../../protocol/steeringRecord.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import type { PromptEncoder } from "../chat/encoding.ts";
import { behaviourDirections, suffixPairs } from "./castBehaviour.ts";
import {
  type BlockChoice,
  type Condition,
  chooseBlocks,
  commonGate,
  conditionDirections,
  conditionSimilarities,
  fittedConditions,
  type Held,
  heldConditions,
  type States,
  statesOf,
} from "./castCondition.ts";
import { type HarmfulPrompts, harmfulPrompts } from "./castPrompts.ts";
import { meanOf, promptCounts, splitGroups } from "./directions.ts";
import { f1, gateNotes, gateNumbers } from "./gate.ts";
import { layerBand, layerWords } from "./layerBand.ts";
import type { SteeringMethod } from "./method.ts";
import { rowsOfTensor, stacked } from "./vectors.ts";

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
 * The condition compares the mean h of a prompt's tokens with tanh(ĉĉᵀh), by cosine, in a pass of its own. The blocks, threshold and side
 * with the highest F1 on validation prompts are taken, among blocks up to the first that is steered, since the published
 * code checks while it computes and would reach others too late. Of several conditions each is one of a category of harmful prompts; one
 * that holds, at one of its blocks, suffices, as where the published code joins conditions by "or".
 *
 * Where norms are restored, they are at every token. The published code does so where the norm of any token of a pass has grown, which would
 * hang on what runs in one pass.
 */
export const cast: SteeringMethod<"cast"> = {
  type: "cast",
  title: "CAST",

  async fit(steering, context) {
    const { backend, prompts, encoder } = context;
    const { shape } = backend;
    const harmful = await harmfulPrompts(steering, context);
    const { harmless, pseudoHarmful } = await splitGroups(["harmless", "pseudoHarmful"], steering, context);
    const blocks = steering.layers ?? layerBand(published, shape.layers);
    const searched = [...new Set(steering.conditionLayers ?? upTo(blocks[0]!, shape.layers))];
    const turns = await turnsOf(encoder);
    const { conditions, states } = await findConditions(steering, backend, searched, turns, {
      harmful,
      others: { harmless, pseudoHarmful }[steering.contrast].train,
      safe: [...pseudoHarmful.validation, ...harmless.validation],
    });
    const { pairs, notes } = await suffixPairs(steering, context);
    const questions = turns(harmless.train).slice(0, steering.questions);
    const behaviours = await behaviourDirections(backend, questions, pairs, blocks);
    const held = {
      unsafe: heldConditions(conditions, states.unsafe),
      safe: heldConditions(conditions, states.safe),
    };
    const scores = {
      unsafe: held.unsafe.map(({ score }) => score),
      safe: held.safe.map(({ score }) => score),
    };
    const gate = commonGate(conditions);
    return {
      tensors: new Map([
        ["condition", stacked(conditions.flatMap(({ directions }) => directions))],
        ["behaviour", stacked(behaviours.map(({ direction }) => direction))],
      ]),
      chosen: {
        ...chosenOf(conditions),
        layers: layerWords(blocks),
        strength: steering.strength,
        ...(steering.restoreNorm && { norm: "restored" }),
      },
      numbers: {
        f1: f1({
          unsafeTaken: anyHolds(held.unsafe).filter(Boolean).length,
          safeTaken: anyHolds(held.safe).filter(Boolean).length,
          unsafe: scores.unsafe.length,
          safe: scores.safe.length,
        }),
        conditionExplainedVariance: meanOf(conditions.map(({ explained }) => explained)),
        behaviourExplainedVariance: meanOf(behaviours.map(({ explained }) => explained)),
        behaviourPairs: questions.length * pairs.length,
        ...gateNumbers(scores, gate),
        ...(conditions.length > 1 && conditionNumbers(conditions, held)),
      },
      prompts: promptCounts({ harmful: harmful.all, harmless, pseudoHarmful }, prompts),
      notes: [...harmful.notes, ...notes, ...gateNotes(scores, gate)],
      conditions: conditions.map(recordOf),
      candidates: conditions.flatMap(({ name, compared }) =>
        compared.map((each) => ({
          ...(name !== undefined && { condition: name }),
          layer: blocksOf(each.layers),
          threshold: each.gate.threshold,
          side: each.gate.side,
          f1: each.gate.value,
        })),
      ),
    };
  },

  async steer(fitted, { backend }, prompts) {
    const { steering, tensors } = fitted;
    const { strength, steered, pooling, layers, restoreNorm } = steering;
    if (strength === 0) return { interventions: [] };
    const blocks = layers ?? layerBand(published, backend.shape.layers);
    const conditions = fittedConditions(fitted);
    const states = await statesOf(
      backend,
      prompts.map(({ ids }) => ids),
      conditions.flatMap((condition) => condition.layers),
      pooling,
    );
    const held = heldConditions(conditions, states);
    const decisions = anyHolds(held).map((holds) => {
      if (holds) return steered === "unsafe" ? 1 : 0;
      return steered === "safe" ? -1 : 0;
    });
    const behaviours = rowsOfTensor(tensors.get("behaviour")!);
    return {
      interventions: blocks.map((block, i) => ({
        site: { at: "block-input", layers: [block] },
        positions: "all",
        action: { type: "add", vector: behaviours[i]!.map((x) => strength * x) },
        scale: Float32Array.from(decisions),
        ...(restoreNorm && { restoreNorm }),
      })),
      gate: held.map(({ holds, score }, i) => ({
        decision: decisions[i]!,
        score,
        ...(conditions.length > 1 && { holding: holds.filter(Boolean).length }),
      })),
    };
  },
};

/** A condition as it was fitted. */
interface FoundCondition extends Condition {
  /** Mean explained variance of its directions. */
  readonly explained: number;
  /** On validation prompts: its own harmful ones, and all others. */
  readonly f1: number;
  readonly compared: readonly BlockChoice[];
}

/**
 * Takes a condition from each group of harmful prompts, and chooses its blocks, threshold and side on the group's validation prompts and
 * safe ones.
 *
 * @param turns prompts without what has the model answer.
 * @returns with them what validation prompts come to at the blocks that were searched.
 */
async function findConditions(
  { pooling, maxConditionLayers }: Pick<SteeringOf<"cast">, "pooling" | "maxConditionLayers">,
  backend: Backend,
  searched: readonly number[],
  turns: (prompts: readonly Tokens[]) => Tokens[],
  prompts: {
    readonly harmful: HarmfulPrompts;
    readonly others: readonly Tokens[];
    readonly safe: readonly Tokens[];
  },
): Promise<{ conditions: FoundCondition[]; states: Readonly<Record<"unsafe" | "safe", States>> }> {
  const { groups, all } = prompts.harmful;
  const found = await conditionDirections(
    backend,
    groups.map(({ train }) => turns(train)),
    turns(prompts.others),
    searched,
  );
  const unsafe = await statesOf(backend, all.validation, searched, pooling);
  const safe = await statesOf(backend, prompts.safe, searched, pooling);
  let end = 0;
  const conditions = groups.map(({ name, validation }, g): FoundCondition => {
    const start = end;
    end += validation.length;
    const directions = found[g]!.map(({ direction }) => direction);
    const { best, compared } = chooseBlocks(
      {
        unsafe: conditionSimilarities(unsafe, searched, directions).map((of) => of.slice(start, end)),
        safe: conditionSimilarities(safe, searched, directions),
      },
      searched,
      maxConditionLayers,
    );
    const places = best.layers.map((layer) => searched.indexOf(layer));
    return {
      ...(name !== undefined && { name }),
      layers: [...best.layers],
      threshold: best.gate.threshold,
      side: best.gate.side,
      directions: places.map((place) => directions[place]!),
      explained: meanOf(places.map((place) => found[g]![place]!.explained)),
      f1: best.gate.value,
      compared,
    };
  });
  return { conditions, states: { unsafe, safe } };
}

/** Whether any condition holds, for each prompt. */
function anyHolds(held: readonly Held[]): boolean[] {
  return held.map(({ holds }) => holds.includes(true));
}

function recordOf({ name, layers, threshold, side }: Condition): ConditionRecord {
  return { ...(name !== undefined && { name }), layers, threshold, side };
}

/** Blocks as a table has them: a number where it is one. */
function blocksOf(layers: readonly number[]): number | string {
  return layers.length === 1 ? layers[0]! : layers.join(", ");
}

/** How a report states conditions: one by its keys, several in words. */
function chosenOf(conditions: readonly Condition[]): Record<string, number | string> {
  const [{ layers, threshold, side }] = conditions as [Condition];
  if (conditions.length === 1) return { conditionLayer: blocksOf(layers), threshold, side };
  const words = conditions.map(
    (each) => `${each.name} at ${blocksOf(each.layers)} ${each.side} ${each.threshold.toPrecision(3)}`,
  );
  return { conditions: words.join("; ") };
}

/** Of each of several conditions how well it finds its category, and the share of all validation prompts of a class at which it holds. */
function conditionNumbers(
  conditions: readonly FoundCondition[],
  held: Readonly<Record<"unsafe" | "safe", readonly Held[]>>,
): Record<string, number> {
  const share = (of: readonly Held[], c: number) => meanOf(of.map(({ holds }) => Number(holds[c]!)));
  return Object.fromEntries(
    conditions.flatMap(({ name, f1: value, explained }, c) => [
      [`condition ${name} f1`, value],
      [`condition ${name} explained variance`, explained],
      [`condition ${name} share of unsafe prompts`, share(held.unsafe, c)],
      [`condition ${name} share of safe prompts`, share(held.safe, c)],
    ]),
  );
}

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
