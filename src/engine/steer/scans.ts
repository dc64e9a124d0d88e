import type { SteeringOf } from "../../protocol/steering.ts";
import type { ClassScores } from "../../statistics/roc.ts";
import type { Backend, Tokens } from "../backend/backend.ts";
import { chunks } from "../probe/meanActivations.ts";
import { promptCounts, splitGroups } from "./directions.ts";
import { balancedAccuracy, bestGate, type Gate, gateNotes, gateNumbers, takes } from "./gate.ts";
import { layerBand, layerWords } from "./layerBand.ts";
import type { SteerContext, SteeringMethod } from "./method.ts";
import type { SteeredPrompt } from "./promptSuffix.ts";
import { cosine, meanVector, minus, rowsOf, rowsOfTensor, stacked, unit, type Vector } from "./vectors.ts";

/** τ of the published code for Llama-2. */
const publishedThreshold = 0.75;
/** Blocks that the published code steers in the 32 of Llama-2-7B. Its classifier reads from the first of them to the last block. */
const published = { from: 10, to: 19, depth: 32 };

/**
 * SCANS (Cao et al. 2025): every prompt is steered, towards refusal where a classifier of hidden states takes it for unsafe and away
 * from it where not.
 *
 * The steering vector v_ℓ is the difference of mean block outputs, harmful minus harmless, at the last token of the prompt, of length
 * one; ±α·v_ℓ is added to block outputs from the end of the user's turn on, generated tokens included. The classifier reads how hidden
 * states move from there to the end of an answer prefix ("Sure"): the mean over blocks of the cosine with the mean movement of
 * harmful prompts. It runs unsteered.
 *
 * What is added to the MLP's output is added to the block's, the last one included. The last block's output is read before the final
 * norm, and behind it in the published code. τ is one number, chosen on validation prompts; the published code has one per test set.
 * Answers are greedy as those of every method; the published code penalises repetition.
 */
export const scans: SteeringMethod<"scans"> = {
  type: "scans",
  title: "SCANS",

  async fit(steering, context) {
    const { backend, suffix } = context;
    const groups = await splitGroups(["harmful", "harmless", "pseudoHarmful"], steering, context);
    const { harmful, harmless, pseudoHarmful } = groups;
    const place = (prompts: readonly Tokens[]) => prompts.map((ids) => suffix.place(ids));
    const blocks = steeredBlocks(steering, backend);
    const vectors = await scansVectors(backend, harmful.train, harmless.train, blocks);
    const prefix = await answerPrefix(steering, context);
    const read = classifierBlocks(steering, backend);
    const reference = (await transitions(backend, place(harmful.train), prefix, read)).map(meanVector);
    const score = (prompts: readonly Tokens[]) =>
      safetyScores(backend, place(prompts), prefix, read, reference);
    const scores = {
      unsafe: await score(harmful.validation),
      safe: [...(await score(pseudoHarmful.validation)), ...(await score(harmless.validation))],
    };
    const { gate, notes } = chooseThreshold(scores, steering.threshold);
    return {
      tensors: new Map([
        ["vectors", stacked(vectors)],
        ["reference", stacked(reference)],
      ]),
      chosen: {
        threshold: gate.threshold,
        layers: layerWords(blocks),
        classifierLayers: layerWords(read),
        strength: steering.strength,
      },
      numbers: {
        threshold: gate.threshold,
        thresholdMinusPublished: gate.threshold - publishedThreshold,
        ...gateNumbers(scores, gate),
      },
      prompts: promptCounts(groups, context.prompts),
      notes: [...notes, ...gateNotes(scores, gate)],
    };
  },

  async steer({ steering, numbers, tensors }, context, prompts) {
    const { strength } = steering;
    if (strength === 0) return { interventions: [] };
    const { backend } = context;
    const prefix = await answerPrefix(steering, context);
    const reference = rowsOfTensor(tensors.get("reference")!);
    const scores = await safetyScores(
      backend,
      prompts,
      prefix,
      classifierBlocks(steering, backend),
      reference,
    );
    const gate: Gate = { threshold: numbers.threshold!, side: "from" };
    const decisions = scores.map((score) => (takes(gate, score) ? 1 : -1));
    const positions = { from: prompts.map(({ turnEnd }) => turnEnd) };
    const vectors = rowsOfTensor(tensors.get("vectors")!);
    return {
      interventions: steeredBlocks(steering, backend).map((block, i) => ({
        site: { at: "mlp-output", layers: [block] },
        positions,
        action: { type: "add", vector: vectors[i]!.map((x) => strength * x) },
        scale: Float32Array.from(decisions),
      })),
      gate: scores.map((score, i) => ({ decision: decisions[i]!, score })),
    };
  },
};

function steeredBlocks({ layers }: SteeringOf<"scans">, { shape }: Backend): readonly number[] {
  return layers ?? layerBand(published, shape.layers);
}

function classifierBlocks({ classifierLayers }: SteeringOf<"scans">, { shape }: Backend): readonly number[] {
  return classifierLayers ?? layerBand({ ...published, to: published.depth - 1 }, shape.layers);
}

/** The answer prefix as tokens behind a prompt. */
async function answerPrefix(
  steering: SteeringOf<"scans">,
  { encoder }: Pick<SteerContext, "encoder">,
): Promise<Tokens> {
  const [tokens] = await encoder.openings([steering.answerPrefix]);
  return tokens!;
}

/**
 * The steering vectors: mean outputs of blocks at last prompt tokens, harmful minus harmless, of length one.
 *
 * @returns (C) for each block.
 */
export async function scansVectors(
  backend: Backend,
  harmful: readonly Tokens[],
  harmless: readonly Tokens[],
  blocks: readonly number[],
): Promise<Float64Array[]> {
  const layers = blocks.map((block) => block + 1);
  const means = async (prompts: readonly Tokens[]) => {
    const found = await backend.features(prompts, { layers, pooling: "last" });
    return layers.map((layer) => meanVector(rowsOf(found.get(layer)!)));
  };
  const [above, below] = [await means(harmful), await means(harmless)];
  return above.map((mean, i) => unit(minus(mean, below[i]!)));
}

/**
 * How block outputs move from the end of the user's turn to the end of an answer prefix: H[i₁] − H[i₂].
 *
 * @param prefix is cut where the model's context ends.
 * @returns for each block, for each prompt (C).
 */
export async function transitions(
  backend: Backend,
  prompts: readonly SteeredPrompt[],
  prefix: Tokens,
  blocks: readonly number[],
): Promise<Float64Array[][]> {
  const { contextLength } = backend.shape;
  const texts = prompts.map(({ ids }) => [...ids, ...prefix].slice(0, contextLength));
  const positions = texts.map((ids, i) => [prompts[i]!.turnEnd, ids.length - 1]);
  const layers = blocks.map((block) => block + 1);
  const found = await backend.features(texts, { layers, pooling: { positions } });
  return layers.map((layer) => {
    const rows = rowsOf(found.get(layer)!);
    return prompts.map((_, i) => minus(rows[2 * i]!, rows[2 * i + 1]!));
  });
}

/**
 * σ of each prompt: the mean over blocks of the cosine of its movement with that of harmful prompts. High is unsafe.
 *
 * @param reference (C) for each block.
 */
export async function safetyScores(
  backend: Backend,
  prompts: readonly SteeredPrompt[],
  prefix: Tokens,
  blocks: readonly number[],
  reference: readonly Vector[],
): Promise<number[]> {
  const scores: number[] = [];
  for (const chunk of chunks(prompts)) {
    const moved = await transitions(backend, chunk, prefix, blocks);
    const scoreOf = (prompt: number) =>
      moved.reduce((sum, of, b) => sum + cosine(of[prompt]!, reference[b]!), 0) / blocks.length;
    for (const i of chunk.keys()) scores.push(scoreOf(i));
  }
  return scores;
}

/** τ as it was asked for, or the one with the highest balanced accuracy on validation prompts. */
function chooseThreshold(
  scores: ClassScores,
  asked: SteeringOf<"scans">["threshold"],
): { gate: Gate; notes: string[] } {
  if (asked !== "auto") return { gate: { threshold: asked, side: "from" }, notes: [] };
  const best = bestGate(scores, balancedAccuracy);
  if (best && best.value > 0.5) return { gate: best, notes: [] };
  return {
    gate: { threshold: publishedThreshold, side: "from" },
    notes: [
      `No threshold tells unsafe from safe validation prompts better than chance, so the published ${publishedThreshold} was taken.`,
    ],
  };
}
